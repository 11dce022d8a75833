/** The part of the package node-gyp-build that is used; it has no types of its own. */
declare module 'node-gyp-build' {
  const nodeGypBuild: {
    /**
     * The addon below `folder`/prebuilds that fits this platform, processor, C library and Node.
     * @throws Error when none does
     */
    path(folder: string): string;
  };
  export default nodeGypBuild;
}
