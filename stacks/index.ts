// The program: declares the volumes that the stack's config lists. An application's own program declares its volumes the
// same way, by name and profile:
//
//   const data = new ProfiledVolume("highperfvolume@gold", { sizeGiB: 100 });

import { ProfiledVolume, volumesOfStack } from "storage-profiles";

/** The stack's volumes: what they became. */
export const volumes = Object.fromEntries(
  Object.entries(volumesOfStack()).map(([name, asked]) => {
    const volume = new ProfiledVolume(name, asked);
    const { profile, sizeGiB, volumeId, mountPath, settings, notes } = volume;
    return [
      name,
      { profile, sizeGiB, volumeId, mountPath, settings, notes: notes.apply((all) => all.map((note) => note.message)) },
    ];
  }),
);
