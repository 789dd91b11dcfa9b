package texts_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/texts"
)

// The texts are a field of the step. What they say to one user in each of three media.
func ExampleWrite() {
	step := customauth.Step{Name: "phone", Challenge: customauth.OTP{Text: texts.Write}}
	otp := step.Challenge.(customauth.OTP)

	for _, user := range []struct{ medium, locale string }{{"SMS", "de-AT"}, {"SMS", "ar"}, {"EMAIL", "fr"}, {"VOICE", "es-MX"}} {
		m, err := otp.Text(context.Background(), customauth.Request{}, customauth.Message{
			To:      customauth.Destination{Medium: user.medium, Address: customauth.Hide("+12065550100")},
			Code:    customauth.Hide("246813"),
			Locale:  user.locale,
			Expires: time.Now().Add(3 * time.Minute),
		})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %q\n", m.Locale, m.Subject.Reveal())
		fmt.Println(m.Text.Reveal())
	}
	// Output:
	// de-AT: ""
	// 246813 ist Ihr Code. Er gilt 3 Minuten. Geben Sie ihn nicht weiter.
	// ar: ""
	// رمزك 246813 (3 دقائق)
	// fr: "Votre code de connexion"
	// Votre code de connexion est 246813.
	//
	// Il expire dans 3 minutes. Ne le communiquez à personne.
	//
	// Si vous ne l'avez pas demandé, vous pouvez ignorer cet e-mail.
	//
	// es-MX: ""
	// Hola. Tu código es: 246813.
}

func ExampleLanguages() {
	fmt.Println(len(texts.Languages()), "languages:", texts.Languages())
	// Output: 41 languages: [en ar bn bg ca cs da de el es et fa fi fil fr he hi hr hu id it ja ko ms nb nl pl pt-BR pt-PT ro ru sk sl sv th tr uk ur vi zh-Hans zh-Hant]
}
