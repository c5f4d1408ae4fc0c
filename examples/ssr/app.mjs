// A server that evaluates while it renders: the page begins with the variants of its user, and asks
// for none of them.
import { Hono } from "hono";
import { html, raw } from "hono/html";

/**
 * @param client - a started `LocalEvaluationClient`
 * @param script - page.mjs, bundled
 */
export function createApp(client, script) {
  const app = new Hono();
  app.get("/page.js", (context) =>
    context.body(script, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/", (context) => {
    const user = { user_id: context.req.query("user") ?? "u1" };
    const variants = client.evaluateV2(user);
    return context.html(pageOf(user, variants));
  });
  return app;
}

function pageOf(user, variants) {
  const hero = variants["homepage-hero"]?.key ?? "control";
  // In a script element "<" could end it.
  const bootstrap = JSON.stringify({ user, variants }).replaceAll("<", "\\u003c");
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <title>Rendered with variants</title>
      <h1 data-variant="${hero}">The hero is: ${hero}</h1>
      <p>In the browser: <output id="browser"></output></p>
      <script type="application/json" id="bootstrap">${raw(bootstrap)}</script>
      <script type="module" src="/page.js"></script>
    </html>`;
}
