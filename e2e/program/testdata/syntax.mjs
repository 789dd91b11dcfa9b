export const handler = async (
