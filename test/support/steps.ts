// The steps of a local volume of mode loop, in order, for tests that end its process after each.

export const loopSteps = {
  create: ["recorded", "image-made", "formatted", "image-named", "attached", "mounted", "prepared", "ready"],
  delete: [
    "unmounted",
    "limits-cleared",
    "detached",
    "recorded",
    "data-removed",
    "record-removed",
    "directory-removed",
  ],
};
