/** XML as S3 writes it: one line, no white space between elements. */
export type XmlValue = string | number | boolean | null | undefined;

export const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document; `inner` is XML already. */
export const document = (root: string, inner: string): string => `${XML_HEAD}<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;

/** An element with text; nothing for null and undefined. */
export const element = (name: string, value: XmlValue): string =>
  value === null || value === undefined ? "" : `<${name}>${escapeText(String(value))}</${name}>`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const SPECIAL = /[&<>"\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g;
const NAMED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Control characters become references, as S3 writes them, although XML 1.0 knows no way to say them: a client that can keys them back. */
export const escapeText = (text: string): string =>
  text.replace(SPECIAL, (found) => NAMED[found] ?? `&#x${found.charCodeAt(0).toString(16).toUpperCase()};`);

/** How keys are written under `encoding-type=url`. */
export const encodeKey = (key: string): string =>
  encodeURIComponent(key.toWellFormed())
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
