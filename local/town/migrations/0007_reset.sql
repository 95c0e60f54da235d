-- Empties the town, and forgets no key. What was done is gone as if it had been undone, and its key says so from now
-- on: a call that comes late, or once more, is refused and does nothing in a town that was emptied after it. What was
-- refused stays refused, and a tombstone stays one. A saga that is under way hears that its step is undone, and goes on
-- from that.
--
-- Names go on where they were: what a saga was told of before must not be another's afterwards.
create or replace function town.reset() returns void language sql as $$
  truncate town.reservations, town.rides, town.deliveries, town.events, town.payments, town.messages, town.ledger;
  update town.effects set state = 'undone', undid = true where state = 'done';
$$;
