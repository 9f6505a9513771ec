#!/bin/sh
# Run once by the image of PostgreSQL, on an empty data folder: a role and a database for each platform, as
# docs/postgresql.md says. The role owns nothing but its own tables. Passwords come from files.
set -eu
secrets=${URBAN_SECRETS:-/run/secrets}
for name in urban urban_b; do
    case $name in urban) file=operations_password ;; *) file=operations_b_password ;; esac
    [ -s "$secrets/$file" ] || continue
    # psql reads the variable from its input: arguments are seen by all.
    {
        printf '\\set password %s\n' "$(cat "$secrets/$file")"
        cat <<SQL
create role $name login password :'password';
create database $name template template0 encoding 'UTF8' locale 'C';
revoke all on database $name from public;
grant connect on database $name to $name;
\connect $name
revoke all on schema public from public;
grant usage, create on schema public to $name;
SQL
    } | psql -v ON_ERROR_STOP=1 --quiet --no-password --username "${POSTGRES_USER:-postgres}" --dbname postgres
done
