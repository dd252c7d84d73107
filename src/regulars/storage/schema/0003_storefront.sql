-- The storefront: shoppers' sessions, tokens that are used up, keys that sign tokens, and what each program's widget looks
-- like. Sessions and used tokens live for minutes and are pruned by age; nothing here is part of the book.

CREATE TABLE storefront_sessions (
    program_id bigint NOT NULL REFERENCES programs,
    session_hash bytea NOT NULL CHECK (length(session_hash) = 32),
    credential_id bigint NOT NULL,
    site_id bigint NOT NULL,
    merchant_id text NOT NULL CHECK (octet_length(merchant_id) BETWEEN 1 AND 191),
    origin text NOT NULL,
    method text NOT NULL CHECK (method IN ('md5', 'sha1', 'v2', 'jwt')),
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, session_hash),
    FOREIGN KEY (program_id, site_id) REFERENCES sites,
    FOREIGN KEY (program_id, credential_id) REFERENCES credentials (program_id, credential_id)
);
CREATE INDEX storefront_sessions_expiring ON storefront_sessions (expires_at);

-- A token that a shopper redeemed with, and what for: the same request again is no replay.
CREATE TABLE used_tokens (
    program_id bigint NOT NULL,
    credential_id bigint NOT NULL,
    jti text NOT NULL CHECK (octet_length(jti) BETWEEN 1 AND 128),
    used_for bytea NOT NULL CHECK (length(used_for) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, credential_id, jti),
    FOREIGN KEY (program_id, credential_id) REFERENCES credentials (program_id, credential_id)
);
CREATE INDEX used_tokens_expiring ON used_tokens (expires_at);

-- Keys for tokens besides the credential's own secret. An older one lives on for a day after a newer was made.
CREATE TABLE token_keys (
    program_id bigint NOT NULL,
    kid text NOT NULL CHECK (kid ~ '^[A-Za-z0-9_-]{1,64}$'),
    credential_id bigint NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz,
    PRIMARY KEY (program_id, kid),
    FOREIGN KEY (program_id, credential_id) REFERENCES credentials (program_id, credential_id)
);
CREATE INDEX token_keys_credential ON token_keys (program_id, credential_id);

-- How often each way of signing opened a session, by day: a shop that wants to leave md5 sees when it is safe to.
CREATE TABLE signature_uses (
    program_id bigint NOT NULL,
    credential_id bigint NOT NULL,
    method text NOT NULL CHECK (method IN ('md5', 'sha1', 'v2', 'jwt')),
    day date NOT NULL,
    uses bigint NOT NULL CHECK (uses > 0),
    PRIMARY KEY (program_id, credential_id, method, day),
    FOREIGN KEY (program_id, credential_id) REFERENCES credentials (program_id, credential_id)
);

CREATE TABLE widgets (
    program_id bigint PRIMARY KEY REFERENCES programs,
    settings text NOT NULL,
    updated_at timestamptz NOT NULL
);

-- A browser asks whether an origin is a shop's before it says which program it means.
CREATE INDEX sites_domain ON sites (domain);
