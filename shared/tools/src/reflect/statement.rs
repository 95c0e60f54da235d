//! The statement that reads the catalogue.

/// What a database says of the tables named in `$1`, a JSON list of `schema.table` ([`Wanted::parameter`]), and of all
/// types that their columns are made of: one text, for [`Catalogue::read`]. Nothing in it depends on oids or on the
/// order of columns.
///
/// [`Wanted::parameter`]: super::Wanted::parameter
/// [`Catalogue::read`]: super::Catalogue::read
pub const CATALOGUE: &str = "
with recursive asked as (
  select c.oid, n.nspname as schema, c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname || '.' || c.relname in (select json_array_elements_text($1::text::json))
), fields as (
  select a.*, t.oid as of
  from asked t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
), used (oid) as (
  select atttypid from fields
  union
  select case t.typtype when 'd' then t.typbasetype else t.typelem end
  from used u join pg_type t on t.oid = u.oid
  where t.typtype = 'd' or (t.typcategory = 'A' and t.typelem <> 0)
), checks as (
  select k.conrelid, k.contypid, k.conname as name, pg_get_expr(k.conbin, k.conrelid) as expression
  from pg_constraint k
  -- PostgreSQL 18 has checks that are not enforced.
  where k.contype = 'c' and coalesce((to_jsonb(k)->>'conenforced')::boolean, true)
)
select jsonb_build_object(
  'tables', coalesce((
    select jsonb_agg(jsonb_build_object(
      'schema', t.schema, 'name', t.name, 'comment', obj_description(t.oid, 'pg_class'),
      'columns', (
        select coalesce(jsonb_agg(jsonb_build_object(
          'name', f.attname, 'comment', col_description(f.attrelid, f.attnum),
          'type', f.atttypid::bigint, 'modifier', f.atttypmod, 'not_null', f.attnotnull,
          'identity', f.attidentity::text, 'generated', f.attgenerated::text <> '',
          'default', pg_get_expr(d.adbin, d.adrelid)) order by f.attname), '[]')
        from fields f left join pg_attrdef d on d.adrelid = f.attrelid and d.adnum = f.attnum
        where f.of = t.oid),
      'checks', (
        select coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'expression', k.expression) order by k.name), '[]')
        from checks k where k.conrelid = t.oid)) order by t.schema, t.name)
    from asked t), '[]'),
  'types', coalesce((
    select jsonb_object_agg(t.oid::bigint::text, jsonb_build_object(
      'schema', n.nspname, 'name', t.typname, 'kind', t.typtype::text,
      'element', case when t.typcategory = 'A' and t.typelem <> 0 then t.typelem::bigint end,
      'base', nullif(t.typbasetype::bigint, 0), 'modifier', t.typtypmod, 'not_null', t.typnotnull,
      'labels', (select coalesce(jsonb_agg(e.enumlabel order by e.enumsortorder), '[]')
                 from pg_enum e where e.enumtypid = t.oid),
      'checks', (select coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'expression', k.expression)
                   order by k.name), '[]') from checks k where t.typtype = 'd' and k.contypid = t.oid)))
    from (select distinct oid from used) u join pg_type t on t.oid = u.oid
      join pg_namespace n on n.oid = t.typnamespace), '{}'))::text";
