import type { App } from "./serve.ts";

/** The book's bibliographic details. */
export function details(): App {
  return (_request, path) => {
    const id = /^\/details\/(\d+)$/.exec(path)?.[1];
    if (id === undefined) return { status: 404, body: { error: "ask for /details/NUMBER" } };
    return {
      body: {
        id: Number(id),
        title: "The Comedy of Errors",
        author: "William Shakespeare",
        year: 1595,
        type: "paperback",
        pages: 200,
        publisher: "Harbour Press",
        language: "English",
        "ISBN-10": "1234567890",
        "ISBN-13": "123-1234567890",
      },
    };
  };
}
