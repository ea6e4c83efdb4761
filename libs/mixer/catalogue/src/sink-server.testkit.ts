// A sink for the test of crashes: it writes down the names of the records that it takes before it answers.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

const [port = "", file = ""] = process.argv.slice(2);
createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const lines = Buffer.concat(parts).toString().trimEnd().split("\n");
    appendFileSync(file, lines.map((each) => `${(JSON.parse(each) as { name: string }).name}\n`).join(""));
    response.end();
  });
}).listen(Number(port), "127.0.0.1", () => process.send?.("ready"));
process.on("disconnect", () => process.exit());
