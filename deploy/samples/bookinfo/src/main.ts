// Bookinfo: `main.ts SERVICE VERSION` runs one of its services on $BIND_ADDRESS:$PORT (9080).
import { details } from "./details.ts";
import { productpage } from "./productpage.ts";
import { ratings } from "./ratings.ts";
import { serveRatingsDb } from "./ratings-db.ts";
import { reviews } from "./reviews.ts";
import { type App, serve } from "./serve.ts";

const [service = "", version = "v1"] = process.argv.slice(2);
const apps: Readonly<Record<string, (version: string) => App>> = { productpage, details, reviews, ratings };
const app = apps[service];
if (service === "ratings-db") await serveRatingsDb();
else if (app) await serve(`${service}-${version}`, app(version));
else {
  const names = [...Object.keys(apps), "ratings-db"].join(", ");
  process.stderr.write(`usage: bookinfo SERVICE [VERSION]; SERVICE is one of ${names}\n`);
  process.exit(2);
}
