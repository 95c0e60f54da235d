-- What the town is made of: restaurants with their tables, and a fleet of drivers.
create schema if not exists town;

-- How names are compared: case, apostrophes of any shape, "&" or "and", and spacing do not matter.
create function town.fold(name text) returns text language sql immutable strict as $$
  select btrim(regexp_replace(
    replace(translate(lower(name), '''’‘ʼ`´', ''), '&', ' and '), '\s+', ' ', 'g'))
$$;

create table town.restaurants (
  id int primary key,
  name text not null,
  cuisine text not null,
  address text not null,
  folded text not null generated always as (town.fold(name)) stored unique
);

create table town.tables (
  id int generated always as identity primary key,
  restaurant_id int not null references town.restaurants,
  number int not null,
  seats int not null check (seats between 2 and 10),
  unique (restaurant_id, number)
);

create table town.drivers (
  id int primary key,
  name text not null,
  seats int not null
);

insert into town.restaurants (id, name, cuisine, address) values
  (1, 'Luigi''s', 'Italian', '1 Harbour Street'),
  (2, 'Sakura', 'Japanese', '22 Cherry Lane'),
  (3, 'Chez Nous', 'French', '7 Rue du Marché'),
  (4, 'Taj Palace', 'Indian', '48 Station Road'),
  (5, 'El Camino', 'Mexican', '15 Mission Square'),
  (6, 'The Anchor', 'Seafood', '3 Pier Walk'),
  (7, 'Green Leaf', 'Vegetarian', '31 Orchard Avenue'),
  (8, 'Smoke & Oak', 'Barbecue', '9 Foundry Yard');

insert into town.tables (restaurant_id, number, seats)
select house.id, seat.number, seat.seats
from (values
  (1, '{2,2,2,4,4,4,4,6,6,8,8,10}'::int[]),
  (2, '{2,2,2,2,4,4,4,6,8}'),
  (3, '{2,2,2,4,4,4,6,8}'),
  (4, '{2,2,4,4,4,4,6,6,8,10}'),
  (5, '{2,2,4,4,4,6,6,8}'),
  (6, '{2,2,2,4,4,6,8}'),
  (7, '{2,2,4,4,6,6}'),
  (8, '{2,4,4,4,4,6,6,8,8,10}')
) as house (id, seats)
cross join lateral unnest(house.seats) with ordinality as seat (seats, number);

insert into town.drivers (id, name, seats)
select number, name, case when number <= 12 then 4 when number <= 17 then 6 else 8 end
from unnest(array[
  'Amara', 'Ben', 'Chiara', 'Dmitri', 'Elif', 'Farah', 'Goran', 'Hana', 'Idris', 'Jun',
  'Kofi', 'Lena', 'Mateo', 'Noor', 'Olga', 'Pavel', 'Quinn', 'Rosa', 'Sven', 'Tala'
]) with ordinality as driver (name, number);
