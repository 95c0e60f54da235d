create schema shop;
create type shop.colour as enum ('red', 'dark blue', 'Self');
create domain shop.code as text not null check (value ~ '^[A-Z]+$') check (char_length(value) <= 5);
create domain shop.percent as integer check (value between 0 and 100);
create table shop.things (
  id bigint generated always as identity primary key,
  "type" text not null default 'plain' check ("type" in ('plain', 'fancy')),
  code shop.code,
  share shop.percent,
  colour shop.colour not null,
  price numeric(8,2) not null check (price > 0),
  tags text[] not null default '{}' check (cardinality(tags) <= 3),
  sizes integer[],
  made timestamptz not null default now(),
  note varchar(20) check (note <> '' or note is null),
  "Odd Name" jsonb,
  span int8range,
  low integer not null, high integer not null check (high >= -3 and high < 10),
  twice integer generated always as (low * 2) stored,
  ratio real, day date, key uuid,
  check (low < high),
  check (price < 100.5 or colour = 'red')
);
comment on table shop.things is 'What is for sale.';
comment on column shop.things.price is 'What it costs, in euros';
