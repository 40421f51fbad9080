/** What is wrong with a filter, an order or a page that somebody typed: told above what they typed, so that it can be mended. */
import { asMillError, type MillError } from "../../../base/index.ts";
import { html, type Markup } from "../html.ts";

const TYPED: ReadonlySet<string> = new Set(["tracking.filter", "tracking.order", "tracking.page"]);

export type Refusable<T> =
  | { readonly value: T; readonly refused?: undefined }
  | { readonly value?: undefined; readonly refused: MillError };

export async function refusalOf<T>(answer: Promise<T>): Promise<Refusable<T>> {
  try {
    return { value: await answer };
  } catch (thrown) {
    const refused = asMillError(thrown);
    if (TYPED.has(refused.code)) return { refused };
    throw thrown;
  }
}

export const renderRefusal = ({ message, expected, fix }: MillError): Markup =>
  html`<p class="bad" role="alert">${message}</p><p class="quiet">${expected && `Expected: ${expected}. `}${fix}</p>`;
