-- What the console's list of sagas is made of: more ways to ask for some of them, and for whom a person is needed.

-- What a saga needs a person for now: what people were told of, or would be at the next sweep. All of it null where it
-- needs none, or may still come right by itself: for that it has p_patience, as alerts are due after it.
create function makegood.needs_now(s makegood.saga, p_now bigint, p_patience bigint) returns makegood.needed
language plpgsql stable as $$
declare
  n makegood.needed := makegood.need_of(s, p_now, p_patience);
begin
  if n.patience > 0 and not exists (
    select from makegood.need k where k.saga = s.id and k.why = n.why and (k.said > 0 or k.due_at <= p_now)) then
    return null;
  end if;
  return n;
end $$;

-- As `list_sagas_3`, also of several phases ('unfinished', 'ended'), of those that need a person ('person', as the sweep
-- has seen it), created from p_since on, changed between two times, and with a text in their title or id; and of those that
-- were created at p_before the ones before p_saga, so that a page may end among sagas of one time. Each time it is
-- planned for what is asked, so that it is read by an index; of what no index knows (texts, changes, tools) at most p_looks sagas
-- are looked at, and `upto` is up to where, if there may be more.
create function makegood.list_sagas_4(p_owner text, p_before bigint, p_limit int, p_phase text, p_tool text, p_since bigint,
  p_text text, p_changed_since bigint, p_changed_before bigint, p_now bigint, p_looks int, p_saga text,
  p_patience bigint) returns json
language plpgsql stable set plan_cache_mode = 'force_custom_plan' as $$
declare
  -- An id is found by itself, however old.
  whole boolean := coalesce(p_text ~ '^sg_[0-9a-z]{26}$', false);
  looks boolean := p_text is not null and not whole or p_changed_since is not null or p_tool is not null;
  answer json;
begin
  with looked as materialized (
    select s.id, s.title, s.created_at, s.updated_at from makegood.saga s
    where s.created_at >= p_since and s.created_at <= p_before and (s.created_at, s.id) < (p_before, p_saga)
      and (p_owner is null or s.owner = p_owner)
      and (p_phase is null or p_phase in ('unfinished', 'ended', 'person') or s.phase = p_phase)
      and (p_phase is distinct from 'unfinished' or s.phase in ('forward', 'unwinding', 'stuck'))
      and (p_phase is distinct from 'ended' or s.phase in ('completed', 'made_good'))
      -- By the index of phases; the rest of it cannot be one.
      and (p_phase is distinct from 'person' or s.phase in ('forward', 'unwinding', 'stuck'))
      and (p_phase is distinct from 'person' or s.id in (
        select g.id from makegood.saga g where g.phase = 'stuck'
        union
        select g.id from makegood.need k join makegood.saga g on g.id = k.saga
          where g.phase in ('forward', 'unwinding') and (makegood.needs_now(g, p_now, p_patience)).why is not null))
      and (not whole or s.id = p_text)
    order by s.created_at desc fetch first (case when looks then p_looks else p_limit end) rows with ties
  ), found as (
    select l.id, l.created_at from looked l
    where (p_text is null or whole or strpos(lower(l.title), lower(p_text)) > 0 or strpos(l.id, lower(p_text)) > 0)
      and (p_changed_since is null or l.updated_at >= p_changed_since and l.updated_at < p_changed_before)
      and (p_tool is null or exists (
        select from makegood.node n where n.tool = p_tool and n.saga = l.id and n.epoch = 0))
    order by l.created_at desc, l.id desc limit p_limit
  )
  select json_build_object(
    'sagas', coalesce((
      select json_agg(json_build_object(
          'id', v.saga, 'owner', v.owner, 'title', v.title, 'phase', v.phase, 'version', v.version,
          'priority', v.priority, 'created_at', v.created_at, 'updated_at', v.updated_at,
          'invocations', v.invocations, 'commits', v.commits, 'calls', v.calls,
          'needs', n.why, 'about', nullif(n.about, '')) order by v.created_at desc, v.saga desc)
        from found f join makegood.saga_view v on v.saga = f.id join makegood.saga s on s.id = f.id
          left join lateral makegood.needs_now(s, p_now, p_patience) n
            on s.phase = 'stuck' or exists (select from makegood.need k where k.saga = s.id)), '[]'),
    'upto', (select min(l.created_at) from looked l having looks and count(*) >= p_looks)) into answer;
  return answer;
end $$;
