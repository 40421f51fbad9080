/** Checksums of an entry as the headers and elements that tell them. A value that ends with `-PARTS` is made of the parts' checksums. */
export type Checksums = Readonly<Record<string, string>> | undefined;

const ELEMENTS: Readonly<Record<string, string>> = {
  crc32: "ChecksumCRC32",
  crc32c: "ChecksumCRC32C",
  crc64nvme: "ChecksumCRC64NVME",
  sha1: "ChecksumSHA1",
  sha256: "ChecksumSHA256",
};

export const CHECKSUM_ALGORITHMS: readonly string[] = Object.keys(ELEMENTS);
export const checksumElement = (algorithm: string): string => ELEMENTS[algorithm]!;

export function checksumHeaders(checksums: Checksums): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [algorithm, value] of Object.entries(checksums ?? {})) {
    headers[`x-amz-checksum-${algorithm}`] = value;
    headers["x-amz-checksum-type"] = checksumType(value);
  }
  return headers;
}

export const checksumType = (value: string): "COMPOSITE" | "FULL_OBJECT" => (/-\d+$/.test(value) ? "COMPOSITE" : "FULL_OBJECT");
