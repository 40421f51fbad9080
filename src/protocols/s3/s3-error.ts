/** The error codes of S3 that this door answers with: HTTP status and the message that stands where a caller has nothing better to say. */
export const S3_ERRORS = {
  // who asks
  AccessDenied: [403, "Access Denied"],
  AuthorizationHeaderMalformed: [400, "The authorization header is malformed."],
  AuthorizationQueryParametersError: [400, "The query parameters that sign the request are malformed."],
  InvalidAccessKeyId: [403, "The access key id is not known here."],
  RequestTimeTooSkewed: [403, "The difference between the request's time and the server's is too large."],
  SignatureDoesNotMatch: [403, "The signature does not match. Check the secret key and the method of signing."],

  // the body
  BadDigest: [400, "A checksum that was sent does not fit the content that was received."],
  EntityTooLarge: [400, "The object is larger than an object may be."],
  EntityTooSmall: [400, "A part is smaller than 5 MiB and is not the last."],
  IncompleteBody: [400, "The body ended before the length that was announced."],
  InvalidChunkSizeError: [400, "A chunk of the body has a size that it cannot have."],
  InvalidDigest: [400, "A checksum that was sent is not one."],
  MalformedTrailerError: [400, "The trailer of the body is not as it was announced."],
  MissingContentLength: [411, "The Content-Length header is missing."],
  MissingRequestBodyError: [400, "The request has no body."],
  RequestTimeout: [400, "The body was not received in time."],
  XAmzContentSHA256Mismatch: [400, "The header x-amz-content-sha256 does not fit the content that was received."],

  // the request
  AccessControlListNotSupported: [400, "Access control lists are not offered: what is stored is its owner's alone."],
  InvalidArgument: [400, "Invalid Argument"],
  InvalidBucketName: [400, "The bucket's name is not valid."],
  InvalidPart: [400, "A part that was named was not uploaded, or has another ETag."],
  InvalidPartNumber: [416, "The object has no such part."],
  InvalidPartOrder: [400, "The parts are not in ascending order."],
  InvalidRange: [416, "The range lies outside of the object."],
  InvalidRequest: [400, "Invalid Request"],
  InvalidStorageClass: [400, "There is no such storage class here."],
  InvalidURI: [400, "The URI cannot be read."],
  KeyTooLongError: [400, "A key has at most 1,024 bytes."],
  MalformedXML: [400, "The XML of the request is not as it must be."],
  MetadataTooLarge: [400, "The metadata is larger than 2 KB."],
  MethodNotAllowed: [405, "The method is not allowed on this resource."],
  NotImplemented: [501, "This is not offered here."],
  PreconditionFailed: [412, "A precondition of the request did not hold."],

  // what is there
  BucketAlreadyExists: [409, "The name is taken by another bucket."],
  BucketAlreadyOwnedByYou: [409, "The bucket is there already and is yours."],
  BucketNotEmpty: [409, "The bucket is not empty."],
  ConditionalRequestConflict: [409, "The key was changed by another request in the meantime."],
  NoSuchBucket: [404, "There is no such bucket."],
  NoSuchBucketPolicy: [404, "The bucket has no policy."],
  NoSuchCORSConfiguration: [404, "The bucket has no CORS configuration."],
  NoSuchKey: [404, "There is no such key."],
  NoSuchLifecycleConfiguration: [404, "The bucket has no lifecycle configuration."],
  NoSuchTagSet: [404, "There are no tags."],
  NoSuchUpload: [404, "There is no such multipart upload: it may have been completed or aborted."],
  NoSuchVersion: [404, "There is no such version."],
  NoSuchWebsiteConfiguration: [404, "The bucket has no website configuration."],
  ObjectLockConfigurationNotFoundError: [404, "The bucket has no object lock configuration."],
  OperationAborted: [409, "Another operation on the resource is under way; try again."],
  OwnershipControlsNotFoundError: [404, "The bucket has no ownership controls."],
  NoSuchPublicAccessBlockConfiguration: [404, "The bucket has no public access block."],
  ReplicationConfigurationNotFoundError: [404, "The bucket has no replication configuration."],
  ServerSideEncryptionConfigurationNotFoundError: [404, "The bucket has no encryption configuration."],

  // us
  InsufficientStorage: [507, "There is no room left."],
  InternalError: [500, "An internal error. The server's log tells it by the request id."],
  ServiceUnavailable: [503, "Please try again."],
  SlowDown: [503, "Too many requests: please slow down."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3Code = keyof typeof S3_ERRORS;

/** What an S3 client is told when a request is refused. The message may be read by anyone: it never holds a secret or an internal name. */
export class S3Error extends Error {
  readonly code: S3Code;
  readonly status: number;
  /** Further elements of the XML document, such as `Header`, `ServerTime`. */
  readonly elements: Readonly<Record<string, string>>;

  constructor(code: S3Code, message: string = S3_ERRORS[code][1], elements: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "S3Error";
    this.code = code;
    this.status = S3_ERRORS[code][0];
    this.elements = elements;
  }
}
