import type { Reply } from "./call.ts";

interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const text = (value: unknown): string => String(value).replace(/[&<>"']/g, (each) => escapes[each] as string);

const STYLE = `
:root{color-scheme:light}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1d2733;background:#f4f6f9}
header{background:#12395b;color:#fff;padding:.8rem 2rem;display:flex;justify-content:space-between;align-items:center}
header form{display:flex;gap:.5rem}header input{padding:.3rem .5rem;border:0;border-radius:4px}button{padding:.3rem .8rem;border:0;border-radius:4px;background:#e8a33d;cursor:pointer}
main{max-width:62rem;margin:2rem auto;padding:0 1rem}h1{margin:0 0 .3rem}h2{margin:0 0 .8rem}blockquote p{margin:0}.grid{display:grid;gap:1.5rem;grid-template-columns:1fr 2fr}
@media(max-width:40rem){.grid{grid-template-columns:1fr}}section{background:#fff;border-radius:8px;padding:1.2rem 1.5rem;box-shadow:0 1px 3px #0002}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1rem;margin:0}dt{color:#5a6b7d}dd{margin:0}blockquote{margin:0 0 1rem;padding-left:1rem;border-left:3px solid #d5dde6}
small{color:#5a6b7d}.error{color:#a3261e}`;

/** The product page as HTML. */
export function renderPage(
  product: { readonly title: string; readonly descriptionHtml: string },
  details: Reply,
  reviews: Reply,
  user: string,
): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Simple Bookstore App</title><style>${STYLE}</style></head>
<body><header><strong>Bookinfo</strong>${
    user
      ? `<span>${text(user)} <a style="color:#fff" href="/logout">sign out</a></span>`
      : `<form method="post" action="/login"><input name="username" aria-label="user name" placeholder="user name"><button>Sign in</button></form>`
  }</header>
<main><h1>${text(product.title)}</h1><p>${text(product.descriptionHtml)}</p>
<div class="grid"><section><h2>Book Details</h2>${detailsHtml(details)}</section><section><h2>Book Reviews</h2>${reviewsHtml(reviews)}</section></div></main></body></html>
`;
}

function detailsHtml({ status, body }: Reply): string {
  if (status !== 200) return `<p class="error">Error fetching product details!</p>`;
  const rows = Object.entries(body as Record<string, unknown>).filter(([name]) => name !== "id" && name !== "title");
  return `<dl>${rows.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`).join("")}</dl>`;
}

function reviewsHtml({ status, body }: Reply): string {
  if (status !== 200) return `<p class="error">Error fetching product reviews!</p>`;
  const { reviews, podname, version } = body as { reviews: Review[]; podname: string; version: string };
  return `${reviews
    .map(
      (each) =>
        `<blockquote><p>${text(each.text)}</p><small>${text(each.reviewer)}</small>${ratingHtml(each.rating)}</blockquote>`,
    )
    .join(
      "",
    )}<small>Reviews served by <b data-version="${text(version)}">reviews-${text(version)}</b> (${text(podname)})</small>`;
}

function ratingHtml(rating: Review["rating"]): string {
  if (!rating) return "";
  if (rating.stars === undefined) return `<p class="error">${text(rating.error)}</p>`;
  const count = Math.max(0, Math.min(5, Math.round(rating.stars)));
  return `<div style="color:${text(rating.color)}" title="${count} of 5 stars">${"★".repeat(count)}${"☆".repeat(5 - count)}</div>`;
}
