import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { Pool, neon, neonConfig } from "@neondatabase/serverless";
import { emulate } from "./emulator.mjs";
import { backEnd, backEnds } from "./servers.mjs";

for (const name of backEnds.postgres) {
  describe(`neon, ${name}`, () => {
    let server, emulator, sql;
    before(async () => {
      server = await backEnd("postgres", name);
      emulator = await emulate("postgres", { env: server.env });
      neonConfig.fetchEndpoint = emulator.env.DATABASE_HTTP_URL;
      sql = neon(emulator.env.DATABASE_URL);
    });
    after(async () => {
      await emulator?.stop();
      await server?.stop();
    });

    test("types come back as the client knows them", async () => {
      const [row] = await sql`select 1::int4 as small, 9007199254740993::int8 as big, ${"it's"}::text as text,
        ${[1, 2]}::int4[] as list, ${{ a: null }}::jsonb as object, null as nothing, true as yes,
        1.50::numeric as exact, 0.5::float8 as half, '\\x00ff'::bytea as bytes,
        '2026-11-28T09:00:00Z'::timestamptz as moment, ${["a,b", 'q"', null]}::text[] as texts,
        'NaN'::float8 as none, '{{1,2},{3,4}}'::int4[] as grid`;
      assert.deepEqual(row, {
        small: 1, big: "9007199254740993", text: "it's", list: [1, 2], object: { a: null }, nothing: null, yes: true,
        exact: "1.50", half: 0.5, bytes: Buffer.from([0, 255]), moment: new Date("2026-11-28T09:00:00Z"),
        texts: ["a,b", 'q"', null], none: NaN, grid: [[1, 2], [3, 4]],
      });
    });

    test("rows as arrays, whole results, and raw texts", async () => {
      const arrays = neon(emulator.env.DATABASE_URL, { arrayMode: true });
      assert.deepEqual(await arrays`select 1 as a, 2 as a`, [[1, 2]]);
      const full = neon(emulator.env.DATABASE_URL, { fullResults: true });
      const { command, rowCount, fields, rows } = await full`select n from generate_series(1, 3) as n`;
      assert.deepEqual([command, rowCount, fields[0].name, fields[0].dataTypeID, rows.length], ["SELECT", 3, "n", 23, 3]);
      const created = await full`create table if not exists made (id int)`;
      assert.deepEqual([created.command, created.rowCount], ["CREATE", null]);
      const inserted = await full`insert into made select generate_series(1, 5)`;
      assert.deepEqual([inserted.command, inserted.rowCount], ["INSERT", 5]);
    });

    test("a transaction is all or nothing", async () => {
      await sql`create table accounts (id int primary key, cents int check (cents >= 0))`;
      await sql.transaction([sql`insert into accounts values (1, 100)`, sql`insert into accounts values (2, 0)`]);
      await assert.rejects(
        sql.transaction([
          sql`update accounts set cents = cents + 500 where id = 2`,
          sql`update accounts set cents = cents - 500 where id = 1`,
        ]),
        (error) => error.code === "23514" && error.table === "accounts",
      );
      assert.deepEqual(await sql`select cents from accounts order by id`, [{ cents: 100 }, { cents: 0 }]);
    });

    test("a transaction is as isolated as it was asked to be", async () => {
      const show = () => [sql`show transaction_isolation`, sql`show transaction_read_only`];
      for (const [isolationLevel, name] of [["Serializable", "serializable"], ["RepeatableRead", "repeatable read"]]) {
        const [[level], [only]] = await sql.transaction(show(), { isolationLevel, readOnly: true });
        assert.deepEqual([level.transaction_isolation, only.transaction_read_only], [name, "on"]);
      }
      await assert.rejects(
        sql.transaction([sql`create table forbidden (id int)`], { readOnly: true }),
        ({ code }) => code === "25006",
      );
    });

    test("nothing of a session is left for the next request", async () => {
      await sql`set statement_timeout = 12345`;
      const [{ statement_timeout }] = await sql`show statement_timeout`;
      assert.notEqual(statement_timeout, "12345ms");
      await sql`select set_config('application_name', 'left behind', false)`;
      assert.notDeepEqual(await sql`show application_name`, [{ application_name: "left behind" }]);
      await sql`create temp table mine (id int)`;
      await assert.rejects(sql`select * from mine`, ({ code }) => code === "42P01");
      await assert.rejects(sql.transaction([sql`prepare left_behind as select 1`, sql`select 1/0`]));
      await assert.rejects(sql`execute left_behind`, ({ code }) => code === "26000");
    });

    test("an error says where", async () => {
      await assert.rejects(sql.query("select * from nowhere"), ({ code, position }) => code === "42P01" && position === "15");
      await assert.rejects(sql.query("select 1; select 2"), ({ code }) => code === "42601");
      await assert.rejects(sql.query("select 1 / $1::int", [0]), ({ code }) => code === "22012");
      await assert.rejects(sql.query("select $1::int", ["x"]), ({ code }) => code === "22P02");
      assert.deepEqual(await sql`select 1 as one`, [{ one: 1 }]);
    });

    test("a pool goes the same way where it is told to", async () => {
      neonConfig.poolQueryViaFetch = true;
      const pool = new Pool({ connectionString: emulator.env.DATABASE_URL });
      const { rows } = await pool.query("select $1::int + 1 as n", [41]);
      assert.deepEqual(rows, [{ n: 42 }]);
      await pool.end();
    });

    test("what is no request is refused, and the next is served", async () => {
      const post = (body, headers = {}) =>
        fetch(emulator.env.DATABASE_HTTP_URL, {
          method: "POST",
          body,
          headers: { "neon-connection-string": emulator.env.DATABASE_URL, ...headers },
        });
      const refused = [
        [await post("{"), 400],
        [await post('{"query": 1}'), 400],
        [await post('{"query": "select 1"}', { "neon-connection-string": "http://nonsense" }), 400],
        [await post('{"queries": [{"query": "select 1"}]}', { "neon-batch-isolation-level": "Chaos" }), 400],
        [await post(JSON.stringify({ query: "select 1", params: ["x".repeat(11 << 20)] })), 413],
      ];
      for (const [answer, status] of refused) {
        const text = await answer.text();
        assert.equal(answer.status, status, text);
        assert.match(text, /"message"/);
      }
      // A connection whose request was not read to its end is closed; the client is to hear of it first.
      await wait(200);
      const other = new URL(emulator.env.DATABASE_URL);
      other.password = "wrong";
      if (name === "embedded") {
        await assert.rejects(neon(other.href)`select 1`, /password/);
      }
      assert.deepEqual(await sql`select 1 as one`, [{ one: 1 }]);
    });

    test("a reader who hangs up leaves a server that goes on", async () => {
      const left = neon(emulator.env.DATABASE_URL, { fetchOptions: { signal: AbortSignal.timeout(50) } });
      await assert.rejects(left`select pg_sleep(0.5)`);
      assert.deepEqual(await sql`select 1 as one`, [{ one: 1 }]);
    });

    test("what was committed is there after the process was killed", async () => {
      await sql`create table kept (id int)`;
      for (let id = 0; id < 20; id++) await sql`insert into kept values (${id})`;
      await emulator.kill();
      await emulator.restart();
      const [{ count }] = await sql`select count(*)::int as count from kept`;
      assert.equal(count, 20);
    });
  });
}
