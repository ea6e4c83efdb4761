/** A request whose way is to be explained. */
export interface RequestToExplain {
  readonly method: string;
  /** `reviews:9080`, as in the header Host. */
  readonly host: string;
  /** With its query. */
  readonly path: string;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The port that is called. */
  readonly port: number;
  /** Claims of a valid token; none when there is no token. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The value of a header, those of HTTP/2 included. */
export function headerOf(request: RequestToExplain, name: string): string | undefined {
  if (name === ":method") return request.method;
  if (name === ":path") return request.path;
  if (name === ":authority" || name === "host") return request.host;
  if (name === ":scheme") return "http";
  return request.headers[name];
}

/** The path without query and fragment. */
export function pathOnly(path: string): string {
  return path.replace(/[?#].*$/s, "");
}

/** A JSON Web Token's claims, as the filter writes them into metadata. */
export function metadataOf({ claims }: RequestToExplain): Record<string, unknown> {
  return claims ? { "envoy.filters.http.jwt_authn": { payload: claims } } : {};
}
