// What QStash delivers to: a server of this test's own, on a free port.
import { createServer } from "node:http";
import { once } from "node:events";

/** Serves `handler`, as of `node:http`. Gives the server, its `url`, and `stop()`. */
export async function destination(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { server, url: `http://127.0.0.1:${server.address().port}`, stop };
}
