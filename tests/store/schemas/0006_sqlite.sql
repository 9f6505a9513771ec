-- The tables of 824809f, 2026-11-24
CREATE TABLE alert_events (
    number INTEGER NOT NULL,
    alert VARCHAR(40) NOT NULL,
    time BIGINT NOT NULL,
    what VARCHAR(16) NOT NULL,
    "by" TEXT NOT NULL,
    value FLOAT,
    text TEXT NOT NULL,
    state VARCHAR(16) DEFAULT '' NOT NULL,
    severity INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX alert_events_time ON alert_events (time);
CREATE INDEX ix_alert_events_alert ON alert_events (alert);
CREATE TABLE alerts (
    id VARCHAR(40) NOT NULL,
    rule VARCHAR(64) NOT NULL,
    family VARCHAR(64) NOT NULL,
    subject VARCHAR(80) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    quantity VARCHAR(32) NOT NULL,
    severity INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    raised BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    value FLOAT,
    worst FLOAT,
    level FLOAT,
    active BOOLEAN NOT NULL,
    announced BIGINT NOT NULL,
    cleared BIGINT,
    acknowledged BIGINT,
    acknowledged_by TEXT NOT NULL,
    assigned TEXT NOT NULL,
    cause VARCHAR(40) NOT NULL,
    shelved_until BIGINT,
    shelved_by TEXT NOT NULL,
    shelved_why TEXT NOT NULL,
    out_of_service BOOLEAN NOT NULL,
    chattering BOOLEAN NOT NULL,
    escalated BIGINT,
    reminded BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX alerts_raised ON alerts (raised, id);
CREATE INDEX alerts_subject ON alerts (subject);
CREATE UNIQUE INDEX one_open_alert ON alerts (family, subject) WHERE state != 'cleared';
CREATE TABLE conditions (
    rule VARCHAR(64) NOT NULL,
    subject VARCHAR(80) NOT NULL,
    stands BOOLEAN NOT NULL,
    since BIGINT NOT NULL,
    time BIGINT NOT NULL,
    worst FLOAT,
    PRIMARY KEY (rule, subject)
);
CREATE TABLE devices (
    number INTEGER NOT NULL,
    id VARCHAR(64) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    lat FLOAT,
    lon FLOAT,
    area VARCHAR(16) NOT NULL,
    parent VARCHAR(64) NOT NULL,
    registered BOOLEAN NOT NULL,
    simulated BOOLEAN NOT NULL,
    limits TEXT NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE TABLE meta (
    version INTEGER NOT NULL
);
CREATE TABLE notified (
    channel VARCHAR(32) NOT NULL,
    alert VARCHAR(40) NOT NULL,
    PRIMARY KEY (channel, alert)
);
CREATE TABLE notify_cursors (
    channel VARCHAR(32) NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (channel)
);
CREATE TABLE out_of_service (
    family VARCHAR(64) NOT NULL,
    subject VARCHAR(80) NOT NULL,
    since BIGINT NOT NULL,
    "by" TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (family, subject)
);
CREATE TABLE quarantine (
    id VARCHAR(40) NOT NULL,
    received BIGINT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    reason VARCHAR(32) NOT NULL,
    path TEXT NOT NULL,
    detail TEXT NOT NULL,
    device VARCHAR(64) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    seen INTEGER NOT NULL,
    state VARCHAR(16) DEFAULT 'waiting' NOT NULL,
    acted BIGINT,
    acted_by TEXT DEFAULT '' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    size INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_quarantine_device ON quarantine (device);
CREATE INDEX ix_quarantine_reason ON quarantine (reason);
CREATE INDEX quarantine_age ON quarantine (received, id, size);
CREATE INDEX quarantine_state ON quarantine (state, received, id, size);
CREATE TABLE rules (
    code VARCHAR(32) NOT NULL,
    definition BLOB NOT NULL,
    updated BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (code)
);
