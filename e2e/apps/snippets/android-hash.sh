# The snippet of docs/apps/autofill.md: the 11 characters of Android's SMS Retriever.
set -euo pipefail

# docs: hash
certificate=$(keytool -exportcert -keystore "$KEYSTORE" -alias "$ALIAS" -storepass "$STOREPASS" | od -An -v -tx1 | tr -d ' \n')
printf '%s %s' "$PACKAGE" "$certificate" | openssl dgst -sha256 -binary | head -c 9 | base64 | cut -c 1-11
# end
