-- What was asked of the town under which key, what it answered, and what it really did.

-- One row a key, for as long as the town stands. `answer` is the output of a done, the refusal of a
-- refused, and null for a tombstone that was left before anything was done.
create table town.effects (
  tool text not null,
  key text not null,
  saga text not null generated always as (split_part(key, ':', 1)) stored,
  state text not null check (state in ('done', 'refused', 'undone')),
  params jsonb,
  answer jsonb,
  undid boolean,
  at bigint not null,
  primary key (tool, key)
);

-- One row for each decision that was really taken, never for a repeat of it. `applied` says whether
-- the town changed: a refusal and a tombstone are taken, but not applied. Deliberately without a
-- unique key: it must be able to show an effect that happened twice.
create table town.ledger (
  id bigint generated always as identity primary key,
  at bigint not null,
  tool text not null,
  op text not null check (op in ('do', 'undo')),
  key text not null,
  saga text not null generated always as (split_part(key, ':', 1)) stored,
  applied boolean not null,
  detail jsonb
);

create function town.ledger_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'town.ledger is append-only';
end $$;
create trigger append_only before update or delete on town.ledger
  for each statement execute function town.ledger_is_append_only();

create function town.minute(day text, clock text) returns bigint language sql immutable strict as $$
  select (day::date - date '1970-01-01')::bigint * 1440
    + split_part(clock, ':', 1)::int * 60 + split_part(clock, ':', 2)::int
$$;

-- `taken` is where a table or a driver is taken, as one range that no two active rows may share: the
-- thing's number in the high digits, minutes since 1970 in the low ones. (That needs no extension.)

create table town.reservations (
  id bigint generated always as identity primary key,
  reservation_id text not null generated always as ('RES-' || id) stored,
  key text not null unique,
  table_id int not null references town.tables,
  starts bigint not null,
  params jsonb not null,
  state text not null default 'active' check (state in ('active', 'cancelled')),
  made_at bigint not null,
  undone_at bigint,
  taken int8range not null generated always as (
    int8range(table_id * 10000000000 + starts, table_id * 10000000000 + starts + 120)) stored,
  constraint a_table_is_never_booked_twice exclude using gist (taken with &&) where (state = 'active')
);

create index reservations_by_time on town.reservations (starts) where state = 'active';

create table town.rides (
  id bigint generated always as identity primary key,
  ride_id text not null generated always as ('RIDE-' || id) stored,
  key text not null unique,
  driver_id int not null references town.drivers,
  starts bigint not null,
  params jsonb not null,
  state text not null default 'active' check (state in ('active', 'cancelled')),
  made_at bigint not null,
  undone_at bigint,
  taken int8range not null generated always as (
    int8range(driver_id * 10000000000 + starts, driver_id * 10000000000 + starts + 60)) stored,
  constraint a_driver_is_never_sent_twice exclude using gist (taken with &&) where (state = 'active')
);

create index rides_by_time on town.rides (starts) where state = 'active';

create table town.deliveries (
  id bigint generated always as identity primary key,
  delivery_id text not null generated always as ('DEL-' || id) stored,
  key text not null unique,
  eta text not null,
  params jsonb not null,
  state text not null default 'active' check (state in ('active', 'cancelled')),
  made_at bigint not null,
  undone_at bigint
);

create table town.events (
  id bigint generated always as identity primary key,
  event_id text not null generated always as ('EVT-' || id) stored,
  key text not null unique,
  params jsonb not null,
  state text not null default 'active' check (state in ('active', 'cancelled')),
  made_at bigint not null,
  undone_at bigint
);

create table town.payments (
  id bigint generated always as identity primary key,
  payment_id text not null generated always as ('PAY-' || id) stored unique,
  key text not null unique,
  params jsonb not null,
  state text not null default 'authorised'
    check (state in ('authorised', 'captured', 'refunded', 'voided')),
  captured_by text,
  refunded_by text,
  made_at bigint not null,
  undone_at bigint
);

create table town.messages (
  id bigint generated always as identity primary key,
  message_id text not null generated always as ('MSG-' || id) stored,
  key text not null unique,
  params jsonb not null,
  made_at bigint not null
);
