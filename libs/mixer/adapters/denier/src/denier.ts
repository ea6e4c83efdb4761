import { type CheckResult, type DirectResponse, Duration, defineAdapter, durationMs, RPC } from "@xebec/mixer-sdk";
import { Type } from "typebox";

const optional = Type.Optional;

/** A detail of a status; istio.policy.v1beta1.DirectHttpResponse is the only one with an effect. */
const Detail = Type.Object(
  {
    "@type": optional(Type.String()),
    code: optional(Type.Union([Type.Integer({ minimum: 0, maximum: 599 }), Type.String()])),
    body: optional(Type.String()),
    headers: optional(Type.Record(Type.String(), Type.String())),
  },
  { additionalProperties: true },
);

const Config = Type.Object(
  {
    status: optional(
      Type.Object(
        {
          code: optional(Type.Integer({ minimum: 0, maximum: 16 })),
          message: optional(Type.String()),
          details: optional(Type.Array(Detail)),
        },
        { additionalProperties: false },
      ),
    ),
    validDuration: optional(Duration),
    validUseCount: optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);

/** Gives every check the same answer, a denial by default; quotas get nothing (docs/reference/mixer.md §6.1). */
export const denier = defineAdapter({
  name: "denier",
  description: "answers every check with one configured status",
  templates: ["checknothing", "listentry", "quota"],
  config: Config,
  defaults: { status: { code: RPC.FAILED_PRECONDITION }, validDuration: "5s", validUseCount: 1000 },
  create({ status = {}, validDuration = "5s", validUseCount = 1000 }) {
    const direct = directOf(status.details ?? []);
    const result: CheckResult = {
      code: status.code ?? RPC.FAILED_PRECONDITION,
      message: status.message ?? "",
      validMs: durationMs(validDuration),
      validUses: validUseCount,
      ...(direct ? { direct } : {}),
    };
    return { check: () => result, quota: () => ({ amount: 0, validMs: 0 }) };
  },
});

const DIRECT = /(?:^|\/)istio\.policy\.v1beta1\.DirectHttpResponse$/;

function directOf(details: readonly { [key: string]: unknown }[]): DirectResponse | undefined {
  const found = details.find((each) => DIRECT.test(String(each["@type"])));
  if (!found) return undefined;
  const {
    code = 0,
    body = "",
    headers = {},
  } = found as { code?: number | string; body?: string; headers?: Record<string, string> };
  return { code: typeof code === "number" ? code : (HTTP_NAMES[code] ?? (Number(code) || 0)), body, headers };
}

/** The names of istio.policy.v1beta1.HttpStatusCode that configuration may use in place of numbers. */
const HTTP_NAMES: Readonly<Record<string, number>> = {
  Continue: 100,
  OK: 200,
  Created: 201,
  Accepted: 202,
  NonAuthoritativeInformation: 203,
  NoContent: 204,
  ResetContent: 205,
  PartialContent: 206,
  MultiStatus: 207,
  AlreadyReported: 208,
  IMUsed: 226,
  MultipleChoices: 300,
  MovedPermanently: 301,
  Found: 302,
  SeeOther: 303,
  NotModified: 304,
  UseProxy: 305,
  TemporaryRedirect: 307,
  PermanentRedirect: 308,
  BadRequest: 400,
  Unauthorized: 401,
  PaymentRequired: 402,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  ProxyAuthenticationRequired: 407,
  RequestTimeout: 408,
  Conflict: 409,
  Gone: 410,
  LengthRequired: 411,
  PreconditionFailed: 412,
  PayloadTooLarge: 413,
  URITooLong: 414,
  UnsupportedMediaType: 415,
  RangeNotSatisfiable: 416,
  ExpectationFailed: 417,
  MisdirectedRequest: 421,
  UnprocessableEntity: 422,
  Locked: 423,
  FailedDependency: 424,
  UpgradeRequired: 426,
  PreconditionRequired: 428,
  TooManyRequests: 429,
  RequestHeaderFieldsTooLarge: 431,
  InternalServerError: 500,
  NotImplemented: 501,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
  HTTPVersionNotSupported: 505,
  VariantAlsoNegotiates: 506,
  InsufficientStorage: 507,
  LoopDetected: 508,
  NotExtended: 510,
  NetworkAuthenticationRequired: 511,
};
