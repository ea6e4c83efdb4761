import { hostname } from "node:os";
import { call, passedOn } from "./call.ts";
import type { App } from "./serve.ts";

const RATINGS = process.env.RATINGS_URL ?? "http://ratings:9080";
const STAR_COLORS: Readonly<Record<string, string>> = { v2: "black", v3: "red" };
/** Version 2 waits long for ratings, the others shortly: the fault-injection lesson shows the difference. */
const TIMEOUT_MS: Readonly<Record<string, number>> = { v2: 10_000 };
const DEFAULT_TIMEOUT_MS = 2_500;

const TEXTS = [
  { reviewer: "Reviewer1", text: "An extremely entertaining play. The slapstick humour is refreshing!" },
  {
    reviewer: "Reviewer2",
    text: "Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays.",
  },
];

/** Reviews of a book: v1 without stars, v2 with black ones, v3 with red ones. */
export function reviews(version: string): App {
  const color = STAR_COLORS[version];
  return async (request, path) => {
    const id = /^\/reviews\/(\d+)$/.exec(path)?.[1];
    if (id === undefined) return { status: 404, body: { error: "ask for /reviews/NUMBER" } };
    const stars = color ? await starsOf(id, passedOn(request), TIMEOUT_MS[version] ?? DEFAULT_TIMEOUT_MS) : undefined;
    return {
      body: {
        id,
        version,
        podname: process.env.HOSTNAME ?? hostname(),
        reviews: TEXTS.map((each) => ({
          ...each,
          ...(color ? { rating: ratingOf(stars, each.reviewer, color) } : {}),
        })),
      },
    };
  };
}

async function starsOf(
  id: string,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<Record<string, number> | undefined> {
  const { status, body } = await call(`${RATINGS}/ratings/${id}`, headers, timeoutMs);
  return status === 200 ? (body as { ratings: Record<string, number> }).ratings : undefined;
}

function ratingOf(stars: Record<string, number> | undefined, reviewer: string, color: string): Record<string, unknown> {
  return stars?.[reviewer] === undefined
    ? { error: "Ratings service is currently unavailable" }
    : { stars: stars[reviewer], color };
}
