-- Schema version 2: what is registered of applications, components and blocks.
-- One row for each version. It never changes; retention removes it.
CREATE TABLE versions (
    -- Order of registration.
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Path: shop, shop/checkout or shop/checkout/tax.
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('application', 'component', 'block')),
    version TEXT NOT NULL,
    -- Null: the version carries nothing. `image`: a reference; else content in the artifact store.
    artifact TEXT CHECK (artifact IN ('image', 'config', 'script', 'source', 'wasm')),
    image TEXT CHECK ((image IS NOT NULL) = (artifact IS 'image')),
    sha256 TEXT CHECK ((sha256 IS NULL) = (artifact IS NULL OR artifact = 'image')),
    bytes INTEGER NOT NULL,
    path TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    UNIQUE (subject, version)
) STRICT;
CREATE INDEX versions_newest ON versions (subject, sequence);
CREATE INDEX versions_content ON versions (sha256) WHERE sha256 IS NOT NULL;

-- Which versions of components and blocks a version of an application consists of.
CREATE TABLE parts (
    application TEXT NOT NULL,
    application_version TEXT NOT NULL,
    position INTEGER NOT NULL,
    subject TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (application, application_version, position),
    FOREIGN KEY (application, application_version) REFERENCES versions (subject, version) ON DELETE CASCADE,
    -- A version goes only after everything that consists of it.
    FOREIGN KEY (subject, version) REFERENCES versions (subject, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_of ON parts (subject, version);

-- What happened to versions. Of each subject the newest entries are kept.
CREATE TABLE version_history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    subject TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('registered', 'released', 'removed')),
    actor TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX version_history_of ON version_history (subject, sequence);
