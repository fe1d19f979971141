create table if not exists account (
    id integer primary key,
    name text unique not null,
    password text not null
);
create table if not exists post (
    id integer primary key,
    account integer not null references account (id),
    written text not null default current_timestamp,
    title text not null,
    body text not null
);
