"""The texts of `sweepctl help exit-codes` and `sweepctl help environment`."""

TOPICS = {
    "exit-codes": """Exit codes of sweepctl and sweep-agent

    0  ok; `wait`, `watch`: it finished or was stopped
    1  failure
    2  called wrongly
    3  not found
    4  not authenticated, or not allowed
    5  the sweep file is not valid
    6  no server answers
    7  `wait`: not yet
    8  the sweep or run ended as failed, crashed, killed or cancelled; `best`: all runs have failed;
       `wait --for`: it ended before that
    9  agent: a guard tripped
  130  Ctrl-C
""",
    "environment": """Variables that sweepctl reads; a flag wins over each

  SWEEPD_ADDRESS   server, HOST:PORT (--server); else that of the context in use, else the one of this
                   account that was started last
  SWEEPD_TOKEN     token (--token-file); else that of the context of the server, else the one that the
                   server left for this account
  SWEEPD_CONTEXT   context in use; else the one of the last `login` or `config use-context`
  SWEEPD_ENTITY    entity of new sweeps (--entity); else the file's, that of `config set`, `local`
  SWEEPD_PROJECT   project of new sweeps (--project); else the file's, that of `config set`, the program's
                   name
  SWEEPD_OUTPUT    format (-o) of the verbs that have it; else that of `config set`
  XDG_CONFIG_HOME  below it `login` keeps contexts: sweepd/config.toml
  XDG_STATE_HOME   below it servers leave their address and token: sweepd/servers
  NO_COLOR         no colour (--color never)
  FORCE_COLOR      colour also in a pipe (--color always)
  TERM=dumb        no colour, no redrawing, no pager
  PAGER            pager for long output on a terminal; empty: none
""",
}
