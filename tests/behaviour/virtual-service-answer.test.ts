// What a VirtualService answers itself: redirects, direct responses, and what browsers ask before they call.
import assert from "node:assert/strict";
import { type Case, describeCases, to, virtualService } from "./lab/cases.ts";

const CASES: readonly Case[] = [
  {
    name: "a redirect names another path, host, scheme and port, and its status",
    objects: (name) => [
      virtualService(name, {
        http: [
          { match: [{ uri: { prefix: "/path" } }], redirect: { uri: "/new" } },
          { match: [{ uri: { prefix: "/host" } }], redirect: { authority: "new.example.com" } },
          { match: [{ uri: { prefix: "/port" } }], redirect: { port: 8443 } },
          { match: [{ uri: { prefix: "/scheme" } }], redirect: { scheme: "https" } },
          ...[301, 302, 303, 307, 308].map((redirectCode) => ({
            match: [{ uri: { prefix: `/${redirectCode}` } }],
            redirect: { uri: "/", redirectCode },
          })),
          { redirect: { uri: "/all", authority: "new.example.com", scheme: "https", port: 444, redirectCode: 302 } },
        ],
      }),
    ],
    async check({ call, host }) {
      const location = async (path: string): Promise<string | undefined> => (await call(path)).headers.location;
      assert.equal(await location("/path"), `http://${host}/new`);
      assert.equal(await location("/host/x?y=1"), "http://new.example.com/host/x?y=1");
      assert.equal(await location("/port"), `http://${host}:8443/port`);
      assert.equal(await location("/scheme"), `https://${host}/scheme`);
      assert.equal(await location("/x"), "https://new.example.com:444/all");
      assert.equal((await call("/path")).status, 301);
      for (const code of [301, 302, 303, 307, 308]) assert.equal((await call(`/${code}`)).status, code);
    },
  },
  {
    name: "a redirect to the scheme's own port names none, unless the caller's own would stay",
    service: { ports: { http: 80, "http-alt": 8080 } },
    objects: (name) => [
      virtualService(name, {
        http: [
          { match: [{ uri: { prefix: "/80" } }], redirect: { port: 80 } },
          { match: [{ uri: { prefix: "/443" } }], redirect: { port: 443, scheme: "https" } },
          {
            match: [{ uri: { prefix: "/named" } }],
            redirect: { port: 443, scheme: "https", authority: "x.example.com" },
          },
        ],
      }),
    ],
    async check({ call, lab, host }) {
      const location = async (path: string): Promise<string | undefined> => (await call(path)).headers.location;
      assert.equal(await location("/80"), `http://${host}/80`);
      assert.equal(await location("/443"), `https://${host}/443`);
      const alt = async (path: string): Promise<string | undefined> =>
        (await lab.http({ through: "client", url: `http://${host}:8080${path}` })).headers.location;
      assert.equal(await alt("/80"), `http://${host}:80/80`);
      assert.equal(await alt("/443"), `https://${host}:443/443`);
      assert.equal(await alt("/named"), "https://x.example.com/named");
    },
  },
  {
    name: "redirect.derivePort takes the port that was called, or the scheme's own",
    service: { ports: { http: 80, "http-alt": 8080 } },
    objects: (name) => [
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/request" } }],
            redirect: { authority: "new.example.com", derivePort: "FROM_REQUEST_PORT" },
          },
          { redirect: { authority: "new.example.com", derivePort: "FROM_PROTOCOL_DEFAULT" } },
        ],
      }),
    ],
    async check({ call, lab, host }) {
      const alt = async (path: string): Promise<string | undefined> =>
        (await lab.http({ through: "client", url: `http://${host}:8080${path}` })).headers.location;
      assert.equal((await call("/request")).headers.location, "http://new.example.com/request");
      assert.equal(await alt("/request"), "http://new.example.com:8080/request");
      assert.equal(await alt("/x"), "http://new.example.com/x");
    },
  },
  {
    name: "a direct response has its status and its body",
    objects: (name) => [
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/text" } }],
            directResponse: { status: 418, body: { string: "teapot" } },
            headers: { response: { set: { "content-type": "text/plain" } } },
          },
          {
            match: [{ uri: { prefix: "/bytes" } }],
            directResponse: { status: 200, body: { bytes: Buffer.from("bytes").toString("base64") } },
          },
          { directResponse: { status: 503 } },
        ],
      }),
    ],
    async check({ call }) {
      const text = await call("/text");
      assert.deepEqual([text.status, text.body, text.headers["content-type"]], [418, "teapot", "text/plain"]);
      const bytes = await call("/bytes");
      assert.deepEqual([bytes.status, bytes.body], [200, "bytes"]);
      const empty = await call("/");
      assert.deepEqual([empty.status, empty.body], [503, ""]);
    },
  },
  {
    name: "corsPolicy answers a preflight and marks answers for its origins",
    objects: (name) => {
      const policy = {
        allowOrigins: [
          { exact: "https://exact.example.com" },
          { prefix: "https://prefix." },
          { regex: "https://[a-z]+\\.regex\\.com" },
        ],
        allowMethods: ["GET", "PUT"],
        allowHeaders: ["x-user", "x-other"],
        exposeHeaders: ["x-answer"],
        maxAge: "90s",
        allowCredentials: true,
      };
      return [
        virtualService(name, {
          http: [
            {
              match: [{ uri: { prefix: "/old" } }],
              corsPolicy: { allowOrigin: ["https://old.example.com"] },
              route: [to(name)],
            },
            { match: [{ uri: { prefix: "/any" } }], corsPolicy: { allowOrigin: ["*"] }, route: [to(name)] },
            ...["FORWARD", "IGNORE"].map((unmatchedPreflights) => ({
              match: [{ uri: { exact: `/${unmatchedPreflights}` } }],
              corsPolicy: { ...policy, unmatchedPreflights },
              route: [to(name)],
            })),
            { corsPolicy: policy, route: [to(name)] },
          ],
        }),
      ];
    },
    async check({ call }) {
      const preflight = (origin: string, path = "/") =>
        call(path, { method: "OPTIONS", headers: { origin, "access-control-request-method": "PUT" } });
      for (const origin of ["https://exact.example.com", "https://prefix.example.com", "https://abc.regex.com"]) {
        const { headers, status, by } = await preflight(origin);
        assert.deepEqual([status, by, headers["access-control-allow-origin"]], [200, "", origin]);
        assert.equal(headers["access-control-allow-methods"], "GET,PUT");
        assert.equal(headers["access-control-allow-headers"], "x-user,x-other");
        assert.equal(headers["access-control-max-age"], "90");
        assert.equal(headers["access-control-allow-credentials"], "true");
        const answer = await call("/", { headers: { origin } });
        assert.equal(answer.headers["access-control-allow-origin"], origin);
        assert.equal(answer.headers["access-control-expose-headers"], "x-answer");
      }
      // Others are the server's own matter.
      const foreign = await preflight("https://other.example.com");
      assert.notEqual(foreign.by, "");
      assert.equal(foreign.headers["access-control-allow-origin"], undefined);
      assert.notEqual((await preflight("https://other.example.com", "/FORWARD")).by, "");
      const ignored = await preflight("https://other.example.com", "/IGNORE");
      assert.deepEqual(
        [ignored.status, ignored.by, ignored.headers["access-control-allow-origin"]],
        [200, "", undefined],
      );
      const old = await preflight("https://old.example.com", "/old");
      assert.equal(old.headers["access-control-allow-origin"], "https://old.example.com");
      assert.equal(old.headers["access-control-allow-credentials"], undefined);
      assert.equal((await preflight("https://x.com", "/any")).headers["access-control-allow-origin"], "https://x.com");
    },
  },
];

describeCases("a VirtualService's answers", "answer", CASES);
