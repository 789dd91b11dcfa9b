module github.com/cyber-eternal/customauth/examples/cdk/account

go 1.26.0

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/cyber-eternal/customauth v0.1.0
	github.com/cyber-eternal/customauth/account v0.1.0
	github.com/cyber-eternal/customauth/dynamodbstore v0.1.0
	github.com/cyber-eternal/customauth/passkey v0.1.0
	github.com/cyber-eternal/customauth/secretskeys v0.1.0
	github.com/cyber-eternal/customauth/smsguard v0.1.0
	github.com/cyber-eternal/customauth/totp v0.1.0
	github.com/google/go-cmp v0.7.0
)

require (
	github.com/MicahParks/jwkset v0.11.4 // indirect
	github.com/MicahParks/keyfunc/v3 v3.9.1 // indirect
	github.com/aws/aws-sdk-go-v2 v1.47.7 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.73.1 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.50.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/sns v1.47.9 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
	github.com/boombuler/barcode v1.0.1-0.20190219062509-6c824513bacc // indirect
	github.com/fxamacker/cbor/v2 v2.9.4 // indirect
	github.com/go-viper/mapstructure/v2 v2.5.0 // indirect
	github.com/go-webauthn/webauthn v0.18.2 // indirect
	github.com/go-webauthn/x v0.3.1 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/pquerna/otp v1.5.0 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace (
	github.com/cyber-eternal/customauth => ../../..
	github.com/cyber-eternal/customauth/account => ../../../account
	github.com/cyber-eternal/customauth/dynamodbstore => ../../../dynamodbstore
	github.com/cyber-eternal/customauth/passkey => ../../../passkey
	github.com/cyber-eternal/customauth/secretskeys => ../../../secretskeys
	github.com/cyber-eternal/customauth/smsguard => ../../../smsguard
	github.com/cyber-eternal/customauth/totp => ../../../totp
)
