import type { DirectResponse } from "@xebec/mixer-sdk";

const DIRECT = /(?:^|\/)istio\.policy\.v1beta1\.DirectHttpResponse$/;

/** The answer to a denied HTTP request that the details of a status hold. @param details of google.rpc.Status */
export function directOf(details: readonly { [key: string]: unknown }[]): DirectResponse | undefined {
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
