-- The tables of f22dd6b, 2026-11-22
CREATE TABLE alert_events (
    number SERIAL NOT NULL,
    alert VARCHAR(40) NOT NULL,
    time BIGINT NOT NULL,
    what VARCHAR(16) NOT NULL,
    by TEXT NOT NULL,
    value FLOAT,
    text TEXT NOT NULL,
    PRIMARY KEY (number)
);
CREATE INDEX ix_alert_events_alert ON alert_events (alert);
CREATE TABLE alerts (
    id VARCHAR(40) NOT NULL,
    rule VARCHAR(64) NOT NULL,
    device VARCHAR(64) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    quantity VARCHAR(32) NOT NULL,
    severity INTEGER NOT NULL,
    state VARCHAR(16) NOT NULL,
    raised BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    value FLOAT,
    worst FLOAT,
    level FLOAT NOT NULL,
    cleared BIGINT,
    acknowledged BIGINT,
    acknowledged_by TEXT NOT NULL,
    cause VARCHAR(40) NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX alerts_device ON alerts (device);
CREATE INDEX alerts_raised ON alerts (raised, id);
CREATE UNIQUE INDEX one_standing_alert ON alerts (rule, device) WHERE state IN ('unacknowledged', 'acknowledged', 'suppressed');
CREATE TABLE devices (
    number SERIAL NOT NULL,
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
    PRIMARY KEY (number),
    UNIQUE (id)
);
CREATE TABLE meta (
    version INTEGER NOT NULL
);
CREATE TABLE quarantine (
    id VARCHAR(40) NOT NULL,
    received BIGINT NOT NULL,
    topic TEXT NOT NULL,
    payload BYTEA NOT NULL,
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
