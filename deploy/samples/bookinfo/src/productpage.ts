import type { IncomingMessage } from "node:http";
import { call, passedOn, type Reply } from "./call.ts";
import { renderPage } from "./page.ts";
import type { Answer, App } from "./serve.ts";

const DETAILS = process.env.DETAILS_URL ?? "http://details:9080";
const REVIEWS = process.env.REVIEWS_URL ?? "http://reviews:9080";
const DETAILS_TIMEOUT_MS = 3_000;
const REVIEWS_TIMEOUT_MS = 3_000;
/** The page asks twice for reviews, as impatient programs do. */
const REVIEWS_ATTEMPTS = 2;
const PRODUCT = {
  id: 0,
  title: "The Comedy of Errors",
  descriptionHtml: "A play by William Shakespeare: two pairs of twins, one day, many mistakes.",
};

/** The page that users see: it asks details and reviews, and shows what it gets. */
export function productpage(): App {
  return async (request, path, form) => {
    if (path === "/" || path === "/index.html") return redirect("/productpage");
    if (path === "/login" && request.method === "POST") return login(form);
    if (path === "/logout")
      return {
        ...redirect("/productpage"),
        headers: { location: "/productpage", "set-cookie": "user=; Max-Age=0; Path=/" },
      };
    const headers = { ...passedOn(request), ...userHeader(request) };
    if (path === "/productpage") {
      const [details, reviews] = await Promise.all([detailsOf(headers), reviewsOf(headers)]);
      return { body: renderPage(PRODUCT, details, reviews, userOf(request)) };
    }
    if (path === "/api/v1/products") return { body: [PRODUCT] };
    const api = /^\/api\/v1\/products\/(\d+)(?:\/(reviews|ratings))?$/.exec(path);
    if (api?.[2] === "reviews") return passed(await reviewsOf(headers));
    if (api && !api[2]) return passed(await detailsOf(headers));
    return { status: 404, body: { error: "no such page; see /productpage" } };
  };
}

function redirect(location: string): Answer {
  return { status: 302, body: "", headers: { location } };
}

function login(form: URLSearchParams): Answer {
  const user = (form.get("username") ?? "").replace(/[^A-Za-z0-9._-]/g, "").slice(0, 64);
  return {
    status: 302,
    body: "",
    headers: { location: "/productpage", "set-cookie": `user=${user}; Path=/; HttpOnly` },
  };
}

function userOf(request: IncomingMessage): string {
  return /(?:^|;\s*)user=([A-Za-z0-9._-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
}

/** The other services get the user who is signed in from the header `end-user`. */
function userHeader(request: IncomingMessage): Record<string, string> {
  const user = userOf(request);
  return user ? { "end-user": user } : {};
}

function detailsOf(headers: Record<string, string>): Promise<Reply> {
  return call(`${DETAILS}/details/0`, headers, DETAILS_TIMEOUT_MS);
}

async function reviewsOf(headers: Record<string, string>): Promise<Reply> {
  let reply: Reply = { status: 0, body: undefined };
  for (let i = 0; i < REVIEWS_ATTEMPTS && reply.status !== 200; i++)
    reply = await call(`${REVIEWS}/reviews/0`, headers, REVIEWS_TIMEOUT_MS);
  return reply;
}

function passed({ status, body }: Reply): Answer {
  return {
    status: status === 0 ? 503 : status,
    body: status === 200 ? body : { error: "the service is currently unavailable" },
  };
}
