import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { neon, neonConfig } from "@neondatabase/serverless";
import { emulate } from "./emulator.mjs";

let emulator, sql;
before(async () => {
  emulator = await emulate("postgres");
  neonConfig.fetchEndpoint = emulator.env.DATABASE_HTTP_URL;
  sql = neon(emulator.env.DATABASE_URL);
});
after(() => emulator.stop());

test("types come back as the client knows them", async () => {
  const [row] = await sql`select 1::int4 as small, 9007199254740993::int8 as big, ${"it's"}::text as text,
    ${[1, 2]}::int4[] as list, ${{ a: null }}::jsonb as object, null as nothing, true as yes`;
  assert.deepEqual(row, {
    small: 1, big: "9007199254740993", text: "it's", list: [1, 2], object: { a: null }, nothing: null, yes: true,
  });
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

test("an error says where", async () => {
  await assert.rejects(sql.query("select * from nowhere"), (error) => error.code === "42P01" && error.position === "15");
});
