import type { Http2ServerResponse } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";

/** Callers that are always refused. */
const REFUSED = "/sa/refused";

/** What was asked about. */
export interface Checked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly principal: string;
}

/** Reads what Envoy asks about. @param frame a message of gRPC, with its length in front */
export function readCheck(frame: Buffer): Checked {
  const { attributes } = fromBinary(CheckRequestSchema, frame.subarray(5));
  const http = attributes?.request?.http;
  return {
    method: http?.method ?? "",
    path: http?.path ?? "",
    headers: http?.headers ?? {},
    body: http ? http.body || Buffer.from(http.rawBody).toString() : "",
    principal: attributes?.source?.principal ?? "",
  };
}

/**
 * Answers it by the request's header `x-authz`: `allow`, `deny`, `error`, or `hang`; without it by the caller's account.
 * @returns false when it is not answered
 */
export function answerCheck({ headers, principal }: Checked, res: Http2ServerResponse): boolean {
  const wish = headers["x-authz"] ?? (principal.endsWith(REFUSED) ? "deny" : "allow");
  if (wish === "hang") return false;
  res.writeHead(200, { "content-type": "application/grpc" });
  res.addTrailers({ "grpc-status": wish === "error" ? "13" : "0" });
  res.end(wish === "error" ? "" : framed(wish === "deny" ? DENIED : ALLOWED));
  return true;
}

const header = (key: string, value: string) => ({ header: { key, value } });

const ALLOWED = create(CheckResponseSchema, {
  status: { code: 0 },
  httpResponse: { case: "okResponse", value: { headers: [header("x-checked", "yes")] } },
});
const DENIED = create(CheckResponseSchema, {
  status: { code: 7 },
  httpResponse: {
    case: "deniedResponse",
    value: { status: { code: 401 }, headers: [header("x-why", "no")], body: "refused" },
  },
});

function framed(message: CheckResponse): Buffer {
  const bytes = toBinary(CheckResponseSchema, message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
