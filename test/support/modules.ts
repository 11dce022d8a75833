/** Whether an optional package is installed and loads here. */
export async function loadsOf(name: string): Promise<boolean> {
  return import(name).then(
    () => true,
    () => false,
  );
}
