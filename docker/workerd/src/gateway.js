// The one public address: hands a request to the function whose route it is, and has no logic of its
// own. routes.json is written by makegood-workerd from spin.toml.
import routes from "./routes.json";

const owner = (path) =>
  routes.find(({ route, below }) => path === route || (below && path.startsWith(`${route}/`)))?.binding;

// As every other host says it: shared/edge/src/door.rs.
const unknown = () =>
  new Response(
    JSON.stringify({
      type: "about:blank",
      title: "There is nothing here",
      status: 404,
      code: "not_found",
      detail: "There is no such address. See the README for those there are.",
    }),
    { status: 404, headers: { "content-type": "application/problem+json", "x-content-type-options": "nosniff" } },
  );

export default {
  fetch(request, env) {
    const binding = owner(new URL(request.url).pathname);
    return binding ? env[binding].fetch(request) : unknown();
  },
};
