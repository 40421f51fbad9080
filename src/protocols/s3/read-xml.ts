import { XMLParser, XMLValidator } from "fast-xml-parser";
import { S3Error } from "./s3-error.ts";

/** An element: its text, or its children by name. */
export interface XmlNode {
  readonly text: string;
  readonly children: ReadonlyMap<string, readonly XmlNode[]>;
}

interface RawNode {
  readonly [name: string]: readonly RawNode[] | string;
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
});

/** The root element of a client's document. No entities but the five of XML and character references; no DOCTYPE. Errors: MalformedXML. */
export function readXml(bytes: Uint8Array, root: string): XmlNode {
  const text = new TextDecoder().decode(bytes);
  if (/<!DOCTYPE|<!ENTITY/i.test(text) || XMLValidator.validate(text) !== true) throw new S3Error("MalformedXML");
  let found: readonly RawNode[];
  try {
    found = parser.parse(text) as readonly RawNode[];
  } catch {
    throw new S3Error("MalformedXML");
  }
  const top = found.find((node) => Array.isArray(node[root]));
  if (!top) throw new S3Error("MalformedXML", `The document must be a ${root}.`);
  return toNode(top[root] as readonly RawNode[]);
}

/** The text of an only child; null: there is none. Errors: MalformedXML when there are several. */
export function textOf(node: XmlNode, name: string): string | null {
  const found = node.children.get(name);
  if (!found) return null;
  if (found.length > 1) throw new S3Error("MalformedXML", `${name} stands there more than once.`);
  return found[0]!.text;
}

function toNode(nodes: readonly RawNode[]): XmlNode {
  const children = new Map<string, XmlNode[]>();
  let text = "";
  for (const node of nodes) {
    for (const [name, value] of Object.entries(node)) {
      if (name === "#text") text += decodeEntities(String(value));
      else if (Array.isArray(value)) {
        const siblings = children.get(name);
        if (siblings) siblings.push(toNode(value));
        else children.set(name, [toNode(value)]);
      }
    }
  }
  return { text, children };
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const decodeEntities = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new S3Error("MalformedXML");
    return String.fromCodePoint(code);
  });
