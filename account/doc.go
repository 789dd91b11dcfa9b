// Package account is what signed-in users do with their ways to sign in, over HTTP,
// and the middleware by which an API asks for a stronger or a fresher sign-in.
//
//	pool, err := account.NewPool(ctx, account.PoolOptions{
//		Issuer:  "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3",
//		Clients: []string{"1example23456789abcdefghij", "2example23456789abcdefghij"},
//	})
//	handler, err := account.New(account.Options{Pool: pool, ...}) // passkeys, apps, codes, devices
//	mux.Handle("/account/", http.StripPrefix("/account", handler))
//
//	strong := pool.Require(account.Need{Level: 2, MaxAge: 5 * time.Minute})
//	mux.Handle("POST /transfers", strong(transfers))
//
// Everything goes by the access token in the header Authorization. There are no
// cookies, so a page of somebody else's has nothing to send along: there is no CSRF.
package account
