-- The newest tables of accounts.sqlite; a test holds them equal to tables.py and to the migrations.

CREATE TABLE token (
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    digest BLOB NOT NULL,
    display_name TEXT NOT NULL,
    account TEXT NOT NULL,
    scope TEXT NOT NULL,
    projects TEXT NOT NULL,
    creator TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    expire_time BIGINT NOT NULL,
    revoke_time BIGINT NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (id),
    UNIQUE (digest)
);

CREATE TABLE token_request (
    request BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    token TEXT NOT NULL,
    salt BLOB NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (request)
);

CREATE TABLE entity (
    name TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE project (
    entity TEXT NOT NULL,
    project TEXT NOT NULL,
    create_time BIGINT NOT NULL,
    PRIMARY KEY (entity, project)
);

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0010');
