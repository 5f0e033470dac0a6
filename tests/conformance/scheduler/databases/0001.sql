BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
    PRIMARY KEY (sweep_id, run, number)
);
INSERT INTO "attempt" VALUES(1,1,1,'ann','host','ended','exited',0,NULL,'','','["python"]',NULL,1000250000,1001000000,1001000000);
INSERT INTO "attempt" VALUES(1,2,1,'ann','host','running',NULL,NULL,NULL,'','','["python"]',NULL,1000250000,1001000000,0);
INSERT INTO "attempt" VALUES(1,3,1,'ann','host','ended','handed-back',NULL,NULL,'','its agent was told to end and handed it back','["python"]',NULL,1000250000,1001000000,1001000000);
INSERT INTO "attempt" VALUES(1,4,1,'ann','host','assigned',NULL,NULL,NULL,'','','[]',NULL,1000250000,0,0);
INSERT INTO "attempt" VALUES(2,1,1,'bob','host','ended','exited',0,NULL,'','','["python"]',NULL,1001000000,1001000000,1001000000);
INSERT INTO "attempt" VALUES(2,2,1,'bob','host','ended','exited',0,NULL,'','','["python"]',NULL,1001000000,1001000000,1001000000);
INSERT INTO "attempt" VALUES(2,3,1,'bob','host','ended','exited',0,NULL,'','','["python"]',NULL,1001000000,1001000000,1001000000);
INSERT INTO "attempt" VALUES(2,4,1,'bob','host','ended','exited',3,NULL,'','exited with code 3','["python"]',NULL,1001000000,1001000000,1001000000);
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
INSERT INTO "event" VALUES(1,1000000000,1,0,0,'sweep-created','{}');
INSERT INTO "event" VALUES(2,1000250000,1,0,0,'sweep-running','{}');
INSERT INTO "event" VALUES(3,1000250000,1,1,1,'run-assigned','{"agent": "ann"}');
INSERT INTO "event" VALUES(4,1000250000,1,2,1,'run-assigned','{"agent": "ann"}');
INSERT INTO "event" VALUES(5,1000250000,1,3,1,'run-assigned','{"agent": "ann"}');
INSERT INTO "event" VALUES(6,1000250000,1,4,1,'run-assigned','{"agent": "ann"}');
INSERT INTO "event" VALUES(7,1001000000,1,1,1,'run-started','{}');
INSERT INTO "event" VALUES(8,1001000000,1,2,1,'run-started','{}');
INSERT INTO "event" VALUES(9,1001000000,1,3,1,'run-started','{}');
INSERT INTO "event" VALUES(10,1001000000,1,1,1,'run-finished','{"reason": ""}');
INSERT INTO "event" VALUES(11,1001000000,1,3,1,'run-requeued','{"reason": "its agent was told to end and handed it back"}');
INSERT INTO "event" VALUES(12,1001000000,2,0,0,'sweep-created','{}');
INSERT INTO "event" VALUES(13,1001000000,2,0,0,'sweep-running','{}');
INSERT INTO "event" VALUES(14,1001000000,2,1,1,'run-assigned','{"agent": "bob"}');
INSERT INTO "event" VALUES(15,1001000000,2,1,1,'run-started','{}');
INSERT INTO "event" VALUES(16,1001000000,2,1,1,'run-finished','{"reason": ""}');
INSERT INTO "event" VALUES(17,1001000000,2,2,1,'run-assigned','{"agent": "bob"}');
INSERT INTO "event" VALUES(18,1001000000,2,2,1,'run-started','{}');
INSERT INTO "event" VALUES(19,1001000000,2,2,1,'run-finished','{"reason": ""}');
INSERT INTO "event" VALUES(20,1001000000,2,3,1,'run-assigned','{"agent": "bob"}');
INSERT INTO "event" VALUES(21,1001000000,2,3,1,'run-started','{}');
INSERT INTO "event" VALUES(22,1001000000,2,3,1,'run-finished','{"reason": ""}');
INSERT INTO "event" VALUES(23,1001000000,2,4,1,'run-assigned','{"agent": "bob"}');
INSERT INTO "event" VALUES(24,1001000000,2,0,0,'sweep-ending','{"ending": "grid"}');
INSERT INTO "event" VALUES(25,1001000000,2,4,1,'run-started','{}');
INSERT INTO "event" VALUES(26,1001000000,2,4,1,'run-failed','{"reason": "exited with code 3"}');
INSERT INTO "event" VALUES(27,1001000000,2,0,0,'sweep-finished','{"reason": "every point was handed out"}');
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
    PRIMARY KEY (sweep_id, number)
);
INSERT INTO "observation" VALUES(1,1,1,'handed-out',0,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,2,2,'handed-out',0,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,3,3,'handed-out',0,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,4,4,'handed-out',0,NULL,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,5,1,'rung-reached',1,0.5,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,6,1,'rung-reached',2,0.7,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,7,2,'rung-reached',1,0.25,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,8,3,'rung-reached',1,0.125,NULL,NULL,NULL);
INSERT INTO "observation" VALUES(1,9,1,'ended',2,0.5,0.7,0.7,'finished');
CREATE TABLE request (
    id TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    time BIGINT NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "request" VALUES('r1',X'66',X'61',5);
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
    engine TEXT NOT NULL,
    predicted_value FLOAT,
    predicted_deviation FLOAT,
    expected_improvement FLOAT,
    create_time BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    requeues BIGINT NOT NULL,
    observation_row BIGINT NOT NULL,
    iterations BIGINT NOT NULL,
    best_value FLOAT,
    worst_value FLOAT,
    last_value FLOAT,
    objective_logged BOOLEAN NOT NULL,
    rung BIGINT NOT NULL,
    stop_mode TEXT,
    stop_reason TEXT NOT NULL,
    verdicts TEXT NOT NULL,
    logged_keys TEXT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (sweep_id, number),
    UNIQUE (sweep_id, digest, repeat, occurrence)
);
INSERT INTO "run" VALUES(1,1,X'83AB1FED8CC5442304F675EC8CEAD190E085F44C96B5DEE9A4B9DDBA72318A7B',0,0,'{"x":0.7459743988941028}','fallback',7,0,0,'',NULL,NULL,NULL,1000250000,'finished','',1,0,2,2,0.5,0.7,0.7,1,2,NULL,'','[]','["loss"]',1001000000,1001000000,500);
INSERT INTO "run" VALUES(1,2,X'82AE9296588FF98646B733A2D4008C2016937BFC95C9EFFFDC665C4610A312B3',0,0,'{"x":0.035539011138136845}','fallback',7,1,0,'',NULL,NULL,NULL,1000250000,'running','',1,0,2,1,0.25,0.25,0.25,1,1,NULL,'','[]','[]',1001000000,0,500);
INSERT INTO "run" VALUES(1,3,X'C1502FC6542B5FD6284B2F49BDA2FCB871463EEAAF402315C2F7E03EF8DD6DB9',0,0,'{"x":0.8551158507300116}','fallback',7,2,0,'',NULL,NULL,NULL,1000250000,'pending','its agent was told to end and handed it back',1,0,1,1,0.125,0.125,0.125,1,1,NULL,'','[]','[]',1001000000,0,500);
INSERT INTO "run" VALUES(1,4,X'D4F46D83DBFE9EA0D9AFA61AA86CA6D7AFF807737107AFB97508E80751E7888B',0,0,'{"x":0.1867761165449534}','fallback',7,3,0,'',NULL,NULL,NULL,1000250000,'assigned','',1,0,0,0,NULL,NULL,NULL,0,0,NULL,'','[]','[]',0,0,500);
INSERT INTO "run" VALUES(2,1,X'4DAD51AC41EB73862FCE375FAE85BA13711FD19F1B26D8E4B1F9FA405C3D5ADF',0,0,'{"a":1,"b":1}','grid',7,0,0,'',NULL,NULL,NULL,1001000000,'finished','',1,0,1,1,3.0,3.0,3.0,1,0,NULL,'','[]','["loss"]',1001000000,1001000000,500);
INSERT INTO "run" VALUES(2,2,X'43258CFF783FE7036D8A43033F830ADFC60EC037382473548AC742B888292777',0,0,'{"a":1,"b":2}','grid',7,1,0,'',NULL,NULL,NULL,1001000000,'finished','',1,0,1,1,1.0,1.0,1.0,1,0,NULL,'','[]','["loss"]',1001000000,1001000000,500);
INSERT INTO "run" VALUES(2,3,X'D3626AC30A87E6F7A6428233B3C68299976865FA5508E4267C5415C76AF7A772',0,0,'{"a":2,"b":1}','grid',7,2,0,'',NULL,NULL,NULL,1001000000,'finished','',1,0,1,1,2.0,2.0,2.0,1,0,NULL,'','[]','["loss"]',1001000000,1001000000,500);
INSERT INTO "run" VALUES(2,4,X'4C7AA83DD9F6DB52730112F713F1ABFF872153FA5B30B2DBFF4E1ECB26280C3C',0,0,'{"a":2,"b":2}','grid',7,3,0,'',NULL,NULL,NULL,1001000000,'failed','exited with code 3',1,0,1,1,4.0,4.0,4.0,1,0,NULL,'','[]','["loss"]',1001000000,1001000000,500);
CREATE TABLE rung (
    sweep_id INTEGER NOT NULL,
    rung INTEGER NOT NULL,
    run INTEGER NOT NULL,
    value FLOAT NOT NULL,
    PRIMARY KEY (sweep_id, rung, run)
);
INSERT INTO "rung" VALUES(1,1,1,0.5);
INSERT INTO "rung" VALUES(1,2,1,0.7);
INSERT INTO "rung" VALUES(1,1,2,0.25);
INSERT INTO "rung" VALUES(1,1,3,0.125);
CREATE TABLE sweep (
    id INTEGER NOT NULL,
    entity TEXT NOT NULL,
    project TEXT NOT NULL,
    sweep TEXT NOT NULL,
    spec TEXT NOT NULL,
    file_name TEXT,
    file_content BLOB,
    create_time BIGINT NOT NULL,
    state TEXT NOT NULL,
    ending TEXT,
    reason TEXT NOT NULL,
    pending_runs BIGINT NOT NULL,
    assigned_runs BIGINT NOT NULL,
    running_runs BIGINT NOT NULL,
    finished_runs BIGINT NOT NULL,
    failed_runs BIGINT NOT NULL,
    crashed_runs BIGINT NOT NULL,
    stopped_runs BIGINT NOT NULL,
    killed_runs BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    listed BIGINT,
    observations BIGINT NOT NULL,
    best_run BIGINT,
    best_value FLOAT,
    objective_seen BOOLEAN NOT NULL,
    missing_runs BIGINT NOT NULL,
    missing_keys TEXT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (entity, project, sweep)
);
INSERT INTO "sweep" VALUES(1,'local','demo','going','{"method": "bayes", "program": "train.py", "run_cap": 9, "seed": 7, "metric": {"name": "loss", "goal": "minimize", "impute": "worst", "impute_while_running": "false"}, "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2, "strict": true}, "parameters": {"x": {"distribution": "uniform", "min": 0.0, "max": 1.0}}}',NULL,NULL,1000000000,'running',NULL,'',1,1,1,1,0,0,0,0,4,NULL,9,3,0.125,1,0,'[]',1000250000,0,500);
INSERT INTO "sweep" VALUES(2,'local','demo','over','{"method": "grid", "program": "train.py", "seed": 7, "metric": {"name": "loss", "goal": "minimize", "impute": "worst", "impute_while_running": "false"}, "parameters": {"a": {"values": [1, 2]}, "b": {"values": [1, 2]}}}',NULL,NULL,1001000000,'finished','grid','every point was handed out',0,0,0,3,1,0,0,0,4,NULL,0,2,1.0,1,0,'[]',1001000000,1001000000,500);
CREATE INDEX event_of_sweep ON event (sweep_id, number);
CREATE INDEX ix_request_time ON request (time);
COMMIT;
