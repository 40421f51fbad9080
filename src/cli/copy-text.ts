/** What a workspace that was restored does not do, and how that ends. */
export const COPY_TEXT =
  "it is a copy: it sends no notice and starts nothing by itself until `mill take-over` says that it takes the place of its source";
