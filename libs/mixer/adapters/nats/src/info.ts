import { bool, describeAdapter, field, list, message, type Static, string, type Violation } from "@xebec/mixer-sdk";
import { parseGoTemplate, urlViolations } from "@xebec/mixer-sinks";

const Params = message("nats.Params", {
  servers: field(list(string()), "The servers, `nats://HOST:PORT` or `tls://HOST:PORT`."),
  subject: field(
    string(),
    "The subject of each record, a template over its dimensions, variables or tags, and `template` and `instance`.",
  ),
  jetstream: field(bool(), "Whether a stream has to acknowledge each record; without, NATS promises nothing."),
  user: field(string(), "The user; empty for none."),
  password: field(string(), "The user's password. Shown nowhere."),
  token: field(string(), "A token in place of a user. Shown nowhere."),
});
export type NatsParams = Static<typeof Params>;

/** Publishes what rules report on NATS, as JSON. */
export const nats = describeAdapter({
  name: "nats",
  description: "publishes metrics, log entries and spans on NATS, as JSON",
  templates: ["metric", "logentry", "tracespan"],
  config: Params,
  defaults: { subject: "mixer.{{.template}}.{{.instance}}", jetstream: true, user: "", password: "", token: "" },
  validate({ servers = [], subject = "", user = "", token = "" }, { limits }) {
    const violations: Violation[] = [];
    if (servers.length === 0) violations.push({ path: ["servers"], message: "must have one server at least" });
    for (const [i, each] of servers.entries())
      violations.push(...urlViolations(["servers", i], each, limits, ["nats:", "tls:"]));
    try {
      parseGoTemplate(subject);
      if (/^\$|[\s*>]/.test(subject.replace(/\{\{.*?\}\}/g, "")) || subject === "")
        violations.push({ path: ["subject"], message: "is not a subject: no *, > or space, and not $ first" });
    } catch (error) {
      violations.push({ path: ["subject"], message: (error as Error).message });
    }
    if (user !== "" && token !== "") violations.push({ path: ["token"], message: "and user exclude each other" });
    return violations;
  },
});
