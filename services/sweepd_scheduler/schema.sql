-- The newest tables of the scheduler's database; a test holds them equal to tables.py and to the migrations.

CREATE TABLE sweep (
    id INTEGER NOT NULL,
    entity TEXT NOT NULL,
    project TEXT NOT NULL,
    sweep TEXT NOT NULL,
    spec TEXT NOT NULL,
    file_name TEXT,
    file_content BLOB,
    create_time BIGINT NOT NULL,
    counted BIGINT,
    state TEXT NOT NULL,
    ending TEXT,
    pause_cause TEXT,
    reason TEXT NOT NULL,
    pending_runs BIGINT NOT NULL,
    assigned_runs BIGINT NOT NULL,
    running_runs BIGINT NOT NULL,
    finished_runs BIGINT NOT NULL,
    failed_runs BIGINT NOT NULL,
    crashed_runs BIGINT NOT NULL,
    stopped_runs BIGINT NOT NULL,
    killed_runs BIGINT NOT NULL,
    cursor TEXT NOT NULL,
    initial BIGINT NOT NULL,
    listed TEXT,
    observations BIGINT NOT NULL,
    best_run BIGINT,
    best_value FLOAT,
    objective_seen BOOLEAN NOT NULL,
    missing_runs BIGINT NOT NULL,
    missing_keys TEXT NOT NULL,
    guarded_from BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    timed_from BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    prior_runs BIGINT,
    prior_points BIGINT,
    PRIMARY KEY (id),
    UNIQUE (entity, project, sweep)
);

CREATE TABLE run (
    sweep_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    repeat BIGINT NOT NULL,
    occurrence BIGINT NOT NULL,
    point TEXT NOT NULL,
    source TEXT NOT NULL,
    seed BIGINT NOT NULL,
    point_index BIGINT NOT NULL,
    observations_seen BIGINT NOT NULL,
    study_length BIGINT NOT NULL,
    engine TEXT NOT NULL,
    predicted_value FLOAT,
    predicted_deviation FLOAT,
    expected_improvement FLOAT,
    create_time BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    place BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    requeues BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    observation_row BIGINT NOT NULL,
    iterations BIGINT NOT NULL,
    best_value FLOAT,
    worst_value FLOAT,
    last_value FLOAT,
    total FLOAT NOT NULL,
    value FLOAT,
    objective_logged BOOLEAN NOT NULL,
    stopping TEXT NOT NULL,
    stop_mode TEXT,
    stop_reason TEXT NOT NULL,
    verdicts TEXT NOT NULL,
    logged_keys TEXT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    display_name TEXT,
    tags TEXT,
    PRIMARY KEY (sweep_id, number),
    UNIQUE (sweep_id, digest, repeat, occurrence)
);

CREATE TABLE attempt (
    sweep_id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    agent TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    exit_cause TEXT,
    exit_code BIGINT,
    exit_signal BIGINT,
    exit_message TEXT NOT NULL,
    reason TEXT NOT NULL,
    argv TEXT NOT NULL,
    resumed_from_step BIGINT,
    assign_time BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    carried TEXT,
    log_bytes BIGINT,
    secret_digest BLOB NOT NULL,
    PRIMARY KEY (sweep_id, run, number)
);

CREATE TABLE rung (
    sweep_id INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    run INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (sweep_id, rule, rung, run)
) WITHOUT ROWID;

CREATE TABLE run_details (
    sweep_id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    attempt BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (sweep_id, run)
);

CREATE TABLE prior_run (
    sweep_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    point TEXT NOT NULL,
    digest BLOB NOT NULL,
    state TEXT NOT NULL,
    iterations BIGINT NOT NULL,
    best_value FLOAT,
    worst_value FLOAT,
    last_value FLOAT,
    total FLOAT NOT NULL,
    value FLOAT,
    PRIMARY KEY (sweep_id, number)
);

CREATE TABLE agent_guard (
    sweep_id INTEGER NOT NULL,
    agent TEXT NOT NULL,
    failures BIGINT NOT NULL,
    quarantine TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (sweep_id, agent)
);

CREATE TABLE observation (
    sweep_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    run BIGINT NOT NULL,
    event TEXT NOT NULL,
    iterations BIGINT NOT NULL,
    value FLOAT,
    worst FLOAT,
    last FLOAT,
    outcome TEXT,
    best FLOAT,
    PRIMARY KEY (sweep_id, number)
);

CREATE TABLE event (
    number INTEGER NOT NULL,
    time BIGINT NOT NULL,
    sweep_id BIGINT NOT NULL,
    run BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX event_of_run ON event (sweep_id, run, number);

CREATE TABLE request (
    account TEXT NOT NULL,
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    time BIGINT NOT NULL,
    response BLOB NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (account, project, id)
);
CREATE INDEX ix_request_time ON request (time);
CREATE INDEX request_of_account ON request (account, time);
CREATE INDEX request_of_quota ON request (account, project, time);

CREATE TABLE request_quota (
    account TEXT NOT NULL,
    project TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (account, project)
);

CREATE TABLE identity (
    id INTEGER NOT NULL,
    database_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    peer_id TEXT,
    peer_generation TEXT,
    peer_number BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE generation (
    id INTEGER NOT NULL,
    token TEXT NOT NULL,
    first_number BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0010');
