-- Staff: who signs in to the admin, in which programs with which role, their sessions and links, and the audit log.
-- A person is one row however many programs they work for, so e-mails are unique in the house. Tokens are kept hashed.

-- Where a program's days begin and end for its merchant: an IANA name.
ALTER TABLE programs ADD COLUMN timezone text NOT NULL DEFAULT 'UTC' CHECK (timezone <> '');

-- `totp_secret` is encrypted with the house's key; `totp_step` is the last time step of which a code was used.
-- `keeps_house`: may make programs.
CREATE TABLE staff (
    staff_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL CHECK (email <> ''),
    email_key text NOT NULL UNIQUE CHECK (email_key <> ''),
    name text NOT NULL CHECK (name <> ''),
    locale text NOT NULL DEFAULT 'en-GB',
    theme text NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    password_hash text,
    password_at timestamptz,
    totp_secret bytea,
    totp_at timestamptz,
    totp_step bigint NOT NULL DEFAULT 0,
    keeps_house boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CHECK ((password_hash IS NULL) = (password_at IS NULL)),
    CHECK (totp_at IS NULL OR totp_secret IS NOT NULL)
);

CREATE TABLE staff_roles (
    program_id bigint NOT NULL REFERENCES programs,
    staff_id bigint NOT NULL REFERENCES staff,
    role text NOT NULL CHECK (role IN ('owner', 'manager', 'support', 'analyst', 'read_only')),
    added_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, staff_id)
);
CREATE INDEX staff_roles_staff ON staff_roles (staff_id, program_id);

-- `second_factor_due`: the password was right, the code is still to come; such a session opens nothing else.
-- `flash`: messages for the next page, as JSON.
CREATE TABLE staff_sessions (
    session_hash bytea PRIMARY KEY CHECK (length(session_hash) = 32),
    session_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    staff_id bigint NOT NULL REFERENCES staff,
    second_factor_due boolean NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    flash text NOT NULL DEFAULT '',
    began_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id);
CREATE INDEX staff_sessions_end ON staff_sessions (ends_at);

-- Browsers from which somebody has signed in before: guesses that come from elsewhere do not slow them down.
CREATE TABLE staff_devices (
    device_hash bytea NOT NULL CHECK (length(device_hash) = 32),
    staff_id bigint NOT NULL REFERENCES staff,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (staff_id, device_hash)
);

-- Links that work once: setting the house up, an invitation, a new password. An invitation may be to somebody who is
-- not staff yet, so it names an e-mail.
CREATE TABLE staff_links (
    link_hash bytea PRIMARY KEY CHECK (length(link_hash) = 32),
    link_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind text NOT NULL CHECK (kind IN ('setup', 'sign_in', 'invitation', 'reset')),
    staff_id bigint REFERENCES staff,
    program_id bigint REFERENCES programs,
    email text,
    role text CHECK (role IN ('owner', 'manager', 'support', 'analyst', 'read_only')),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    used_at timestamptz,
    CHECK ((kind = 'invitation') = (program_id IS NOT NULL)),
    CHECK ((kind = 'invitation') = (email IS NOT NULL)),
    CHECK ((kind = 'invitation') = (role IS NOT NULL)),
    CHECK (kind NOT IN ('sign_in', 'reset') OR staff_id IS NOT NULL)
);
CREATE INDEX staff_links_program ON staff_links (program_id, link_id) WHERE program_id IS NOT NULL;
CREATE INDEX staff_links_staff ON staff_links (staff_id) WHERE staff_id IS NOT NULL;

-- Failed tries by what was tried (an account, an account from one address), hashed, so that it names nobody.
CREATE TABLE sign_in_tries (
    tried_hash bytea PRIMARY KEY CHECK (length(tried_hash) = 32),
    tries int NOT NULL CHECK (tries >= 0),
    last_at timestamptz NOT NULL,
    free_at timestamptz NOT NULL
);
CREATE INDEX sign_in_tries_last ON sign_in_tries (last_at);

-- What staff did: written before or with the change, never edited. `digest` is the hash of what an entry says and of its
-- salt; `hash` covers the digest and the hash before it, and the last one stands in audit_heads. So the words about a
-- person who has to be forgotten can go (`forgotten_at`), and the chain still holds; without the salt the digest tells
-- nothing. `before`, `after` are JSON texts without secrets. `form_key`: the form that was sent, so that sending it twice
-- is one entry.
CREATE TABLE audit_heads (
    program_id bigint PRIMARY KEY REFERENCES programs,
    entries bigint NOT NULL CHECK (entries >= 0),
    chain bytea NOT NULL CHECK (length(chain) = 32)
);
CREATE TABLE audit_entries (
    program_id bigint NOT NULL REFERENCES programs,
    entry_id bigint NOT NULL CHECK (entry_id > 0),
    at timestamptz NOT NULL,
    actor text NOT NULL CHECK (actor <> ''),
    name text NOT NULL,
    action text NOT NULL CHECK (action <> ''),
    subject text NOT NULL,
    before text NOT NULL,
    after text NOT NULL,
    reason text NOT NULL,
    form_key text,
    salt bytea NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    forgotten_at timestamptz,
    PRIMARY KEY (program_id, entry_id)
);
CREATE UNIQUE INDEX audit_entries_form ON audit_entries (program_id, form_key) WHERE form_key IS NOT NULL;
CREATE INDEX audit_entries_actor ON audit_entries (program_id, actor, entry_id);
