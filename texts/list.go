package texts

// This file has the texts. In each, {code} is the code and {minutes} how long it is
// valid, as the plural forms of the language say it (CLDR's rules). An sms is one
// part: with the line of WebOTP it has 116 characters of the GSM alphabet, or 26 of any
// other, ten of them for the code.

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

type languageOf struct {
	tag     language.Tag
	minutes map[plural.Form]string // with {n}
	sms     string
	subject string
	mail    string
	voice   string // "" where no voice of Amazon's speaks the language
}

type forms = map[plural.Form]string

// list has the default first.
var list = []languageOf{
	{
		tag: language.English, minutes: forms{plural.One: "{n} minute", plural.Other: "{n} minutes"},
		sms:     "{code} is your code. It is valid for {minutes}. Do not share it.",
		subject: "Your sign-in code",
		mail:    "Your sign-in code is {code}.\n\nIt is valid for {minutes}. Do not share it with anyone.\n\nIf you did not ask for it, you can ignore this e-mail.\n",
		voice:   "Hello! Your code is: {code}.",
	},
	{
		tag: language.Arabic, minutes: forms{
			plural.One: "دقيقة", plural.Two: "دقيقتان", plural.Few: "{n} دقائق", plural.Many: "{n} دقيقة", plural.Other: "{n} دقيقة",
		},
		sms:     "رمزك {code} ({minutes})",
		subject: "رمز تسجيل الدخول",
		mail:    "رمز تسجيل الدخول الخاص بك هو {code}\n\nمدة الصلاحية: {minutes}. لا تشارك الرمز مع أي شخص.\n\nإذا لم تطلب هذا الرمز، يمكنك تجاهل هذه الرسالة.\n",
		voice:   "مرحبا! رمزك هو: {code}.",
	},
	{
		tag: language.Bengali, minutes: forms{plural.Other: "{n} মিনিট"},
		sms:     "কোড {code} ({minutes})",
		subject: "আপনার সাইন-ইন কোড",
		mail:    "আপনার সাইন-ইন কোড: {code}\n\nমেয়াদ: {minutes}। কোডটি কারও সাথে শেয়ার করবেন না।\n\nআপনি এই কোড না চেয়ে থাকলে ইমেলটি উপেক্ষা করতে পারেন।\n",
	},
	{
		tag: language.Bulgarian, minutes: forms{plural.One: "{n} минута", plural.Other: "{n} минути"},
		sms:     "Код {code} ({minutes})",
		subject: "Вашият код за вход",
		mail:    "Вашият код за вход е {code}.\n\nВалидност: {minutes}. Не го споделяйте с никого.\n\nАко не сте поискали този код, не обръщайте внимание на този имейл.\n",
	},
	{
		tag: language.Catalan, minutes: forms{plural.One: "{n} minut", plural.Other: "{n} minuts"},
		sms:     "{code} és el teu codi. Caduca en {minutes}. No el comparteixis.",
		subject: "El teu codi d'accés",
		mail:    "El teu codi d'accés és {code}.\n\nCaduca en {minutes}. No el comparteixis amb ningú.\n\nSi no l'has demanat, pots ignorar aquest correu.\n",
	},
	{
		tag: language.Czech, minutes: forms{plural.One: "{n} minuta", plural.Few: "{n} minuty", plural.Other: "{n} minut"},
		sms:     "Kód {code} ({minutes})",
		subject: "Váš přihlašovací kód",
		mail:    "Váš přihlašovací kód je {code}.\n\nPlatnost: {minutes}. Nikomu ho nesdělujte.\n\nPokud jste o kód nežádali, můžete tento e-mail ignorovat.\n",
	},
	{
		tag: language.Danish, minutes: forms{plural.One: "{n} minut", plural.Other: "{n} minutter"},
		sms:     "{code} er din kode. Den gælder i {minutes}. Del den ikke med andre.",
		subject: "Din loginkode",
		mail:    "Din loginkode er {code}.\n\nDen gælder i {minutes}. Del den ikke med andre.\n\nHvis du ikke har bedt om koden, kan du se bort fra denne e-mail.\n",
		voice:   "Hej! Din kode er: {code}.",
	},
	{
		tag: language.German, minutes: forms{plural.One: "{n} Minute", plural.Other: "{n} Minuten"},
		sms:     "{code} ist Ihr Code. Er gilt {minutes}. Geben Sie ihn nicht weiter.",
		subject: "Ihr Anmeldecode",
		mail:    "Ihr Anmeldecode ist {code}.\n\nEr gilt {minutes}. Geben Sie ihn nicht weiter.\n\nWenn Sie keinen Code angefordert haben, können Sie diese E-Mail ignorieren.\n",
		voice:   "Guten Tag! Ihr Code lautet: {code}.",
	},
	{
		tag: language.Greek, minutes: forms{plural.One: "{n} λεπτό", plural.Other: "{n} λεπτά"},
		sms:     "PIN {code} ({minutes})",
		subject: "Ο κωδικός σύνδεσής σας",
		mail:    "Ο κωδικός σύνδεσής σας είναι {code}.\n\nΙσχύει για {minutes}. Μην τον κοινοποιήσετε σε κανέναν.\n\nΑν δεν ζητήσατε κωδικό, μπορείτε να αγνοήσετε αυτό το μήνυμα.\n",
	},
	{
		tag: language.Spanish, minutes: forms{plural.One: "{n} minuto", plural.Other: "{n} minutos"},
		sms:     "Tu clave es {code}. Vence en {minutes}. No la compartas.",
		subject: "Tu código de acceso",
		mail:    "Tu código de acceso es {code}.\n\nVence en {minutes}. No lo compartas con nadie.\n\nSi no lo has solicitado, puedes ignorar este correo.\n",
		voice:   "Hola. Tu código es: {code}.",
	},
	{
		tag: language.Estonian, minutes: forms{plural.One: "{n} minut", plural.Other: "{n} minutit"},
		sms:     "{code} on teie kood. See kehtib {minutes}. Ärge jagage seda kellegagi.",
		subject: "Teie sisselogimiskood",
		mail:    "Teie sisselogimiskood on {code}.\n\nSee kehtib {minutes}. Ärge jagage seda kellegagi.\n\nKui te ei ole koodi küsinud, võite seda kirja eirata.\n",
	},
	{
		tag: language.Persian, minutes: forms{plural.Other: "{n} دقیقه"},
		sms:     "کد {code} ({minutes})",
		subject: "کد ورود شما",
		mail:    "کد ورود شما: {code}\n\nمدت اعتبار: {minutes}. این کد را در اختیار هیچ کس قرار ندهید.\n\nاگر شما این کد را درخواست نکرده اید، این ایمیل را نادیده بگیرید.\n",
	},
	{
		tag: language.Finnish, minutes: forms{plural.One: "{n} minuutin", plural.Other: "{n} minuuttia"},
		sms:     "{code} on koodisi. Se on voimassa {minutes}. Älä jaa sitä muille.",
		subject: "Kirjautumiskoodisi",
		mail:    "Kirjautumiskoodisi on {code}.\n\nSe on voimassa {minutes}. Älä jaa sitä muille.\n\nJos et pyytänyt koodia, voit jättää tämän viestin huomiotta.\n",
	},
	{
		tag: language.Filipino, minutes: forms{plural.Other: "{n} minuto"},
		sms:     "{code} ang iyong code. Magagamit ito sa loob ng {minutes}. Huwag itong ibahagi.",
		subject: "Ang iyong code sa pag-sign in",
		mail:    "Ang iyong code sa pag-sign in ay {code}.\n\nMagagamit ito sa loob ng {minutes}. Huwag itong ibahagi kaninuman.\n\nKung hindi mo ito hiniling, huwag pansinin ang email na ito.\n",
	},
	{
		tag: language.French, minutes: forms{plural.One: "{n} minute", plural.Other: "{n} minutes"},
		sms:     "{code} est votre code. Il expire dans {minutes}. Ne le communiquez pas.",
		subject: "Votre code de connexion",
		mail:    "Votre code de connexion est {code}.\n\nIl expire dans {minutes}. Ne le communiquez à personne.\n\nSi vous ne l'avez pas demandé, vous pouvez ignorer cet e-mail.\n",
		voice:   "Bonjour ! Votre code est : {code}.",
	},
	{
		tag: language.Hebrew, minutes: forms{plural.One: "דקה", plural.Two: "שתי דקות", plural.Other: "{n} דקות"},
		sms:     "הקוד {code} ({minutes})",
		subject: "קוד הכניסה שלך",
		mail:    "קוד הכניסה שלך הוא {code}\n\nתוקף הקוד: {minutes}. אין לשתף אותו עם איש.\n\nאם לא ביקשת את הקוד, אפשר להתעלם מהודעה זו.\n",
	},
	{
		tag: language.Hindi, minutes: forms{plural.Other: "{n} मिनट"},
		sms:     "कोड {code} ({minutes})",
		subject: "आपका साइन-इन कोड",
		mail:    "आपका साइन-इन कोड {code} है।\n\nयह {minutes} तक मान्य है। इसे किसी के साथ साझा न करें।\n\nअगर आपने यह कोड नहीं माँगा है, तो इस ईमेल पर ध्यान न दें।\n",
	},
	{
		tag: language.Croatian, minutes: forms{plural.One: "{n} minutu", plural.Few: "{n} minute", plural.Other: "{n} minuta"},
		sms:     "Kod: {code}. Vrijedi {minutes}. Nemojte ga dijeliti ni s kim.",
		subject: "Vaš kod za prijavu",
		mail:    "Vaš kod za prijavu je {code}.\n\nVrijedi {minutes}. Nemojte ga dijeliti ni s kim.\n\nAko niste zatražili kod, zanemarite ovu poruku.\n",
	},
	{
		tag: language.Hungarian, minutes: forms{plural.Other: "{n} perc"},
		sms:     "Kód: {code} ({minutes})",
		subject: "Az Ön belépési kódja",
		mail:    "Az Ön belépési kódja: {code}\n\nÉrvényesség: {minutes}. Ne ossza meg senkivel.\n\nHa nem Ön kérte a kódot, hagyja figyelmen kívül ezt az e-mailt.\n",
	},
	{
		tag: language.Indonesian, minutes: forms{plural.Other: "{n} menit"},
		sms:     "{code} adalah kode Anda. Berlaku selama {minutes}. Jangan bagikan kepada siapa pun.",
		subject: "Kode masuk Anda",
		mail:    "Kode masuk Anda adalah {code}.\n\nKode ini berlaku selama {minutes}. Jangan bagikan kepada siapa pun.\n\nJika Anda tidak memintanya, abaikan email ini.\n",
	},
	{
		tag: language.Italian, minutes: forms{plural.One: "{n} minuto", plural.Other: "{n} minuti"},
		sms:     "{code} è il tuo codice. Scade tra {minutes}. Non condividerlo.",
		subject: "Il tuo codice di accesso",
		mail:    "Il tuo codice di accesso è {code}.\n\nScade tra {minutes}. Non condividerlo con nessuno.\n\nSe non lo hai richiesto, puoi ignorare questa e-mail.\n",
		voice:   "Ciao! Il tuo codice è: {code}.",
	},
	{
		tag: language.Japanese, minutes: forms{plural.Other: "{n}分間"},
		sms:     "確認コード{code}({minutes}有効)",
		subject: "ログイン用の確認コード",
		mail:    "ログイン用の確認コードは {code} です。\n\n有効期間は{minutes}です。他の人に教えないでください。\n\nお心当たりがない場合は、このメールを無視してください。\n",
		voice:   "こんにちは。確認コードは、{code}、です。",
	},
	{
		tag: language.Korean, minutes: forms{plural.Other: "{n}분"},
		sms:     "인증번호 {code} ({minutes} 유효)",
		subject: "로그인 인증번호",
		mail:    "로그인 인증번호는 {code}입니다.\n\n유효 시간은 {minutes}입니다. 다른 사람에게 알려 주지 마세요.\n\n요청하지 않으셨다면 이 이메일을 무시하셔도 됩니다.\n",
		voice:   "안녕하세요. 인증번호는 {code} 입니다.",
	},
	{
		tag: language.Malay, minutes: forms{plural.Other: "{n} minit"},
		sms:     "{code} ialah kod anda. Sah selama {minutes}. Jangan kongsi kod ini.",
		subject: "Kod log masuk anda",
		mail:    "Kod log masuk anda ialah {code}.\n\nKod ini sah selama {minutes}. Jangan kongsi dengan sesiapa.\n\nJika anda tidak memintanya, abaikan e-mel ini.\n",
	},
	{
		tag: language.MustParse("nb"), minutes: forms{plural.One: "{n} minutt", plural.Other: "{n} minutter"},
		sms:     "{code} er koden din. Den gjelder i {minutes}. Ikke del den med noen.",
		subject: "Innloggingskoden din",
		mail:    "Innloggingskoden din er {code}.\n\nDen gjelder i {minutes}. Ikke del den med noen.\n\nHvis du ikke har bedt om koden, kan du se bort fra denne e-posten.\n",
		voice:   "Hei! Koden din er: {code}.",
	},
	{
		tag: language.Dutch, minutes: forms{plural.One: "{n} minuut", plural.Other: "{n} minuten"},
		sms:     "{code} is je code. Deze is {minutes} geldig. Deel de code met niemand.",
		subject: "Je inlogcode",
		mail:    "Je inlogcode is {code}.\n\nDeze is {minutes} geldig. Deel de code met niemand.\n\nHeb je geen code aangevraagd? Dan kun je deze e-mail negeren.\n",
		voice:   "Hallo! Je code is: {code}.",
	},
	{
		tag: language.Polish, minutes: forms{plural.One: "{n} minuta", plural.Few: "{n} minuty", plural.Many: "{n} minut", plural.Other: "{n} minuty"},
		sms:     "Kod: {code}. Czas na wpisanie: {minutes}. Nie podawaj go nikomu.",
		subject: "Twój kod logowania",
		mail:    "Twój kod logowania to {code}.\n\nCzas na wpisanie: {minutes}. Nie podawaj go nikomu.\n\nJeśli to nie Twoja prośba, zignoruj tę wiadomość.\n",
		voice:   "Dzień dobry! Twój kod to: {code}.",
	},
	{
		tag: language.BrazilianPortuguese, minutes: forms{plural.One: "{n} minuto", plural.Other: "{n} minutos"},
		sms:     "Use {code} para entrar. Expira em {minutes}. Nunca compartilhe.",
		subject: "Seu código de acesso",
		mail:    "Seu código de acesso é {code}.\n\nEle expira em {minutes}. Não compartilhe com ninguém.\n\nSe você não solicitou o código, ignore este e-mail.\n",
		voice:   "Olá! Seu código é: {code}.",
	},
	{
		tag: language.EuropeanPortuguese, minutes: forms{plural.One: "{n} minuto", plural.Other: "{n} minutos"},
		sms:     "Use {code} para entrar. Expira em {minutes}. Nunca partilhe.",
		subject: "O seu código de acesso",
		mail:    "O seu código de acesso é {code}.\n\nExpira em {minutes}. Não o partilhe com ninguém.\n\nSe não pediu este código, ignore este e-mail.\n",
		voice:   "Olá! O seu código é: {code}.",
	},
	{
		tag: language.Romanian, minutes: forms{plural.One: "{n} minut", plural.Few: "{n} minute", plural.Other: "{n} de minute"},
		sms:     "Cod: {code}. Valabil {minutes}. Nu-l divulga.",
		subject: "Codul tău de conectare",
		mail:    "Codul tău de conectare este {code}.\n\nEste valabil {minutes}. Nu-l divulga nimănui.\n\nDacă nu ai cerut acest cod, poți ignora acest e-mail.\n",
		voice:   "Bună! Codul tău este: {code}.",
	},
	{
		tag: language.Russian, minutes: forms{plural.One: "{n} минута", plural.Few: "{n} минуты", plural.Many: "{n} минут", plural.Other: "{n} минуты"},
		sms:     "Код {code} ({minutes})",
		subject: "Ваш код для входа",
		mail:    "Ваш код для входа: {code}\n\nСрок действия: {minutes}. Никому его не сообщайте.\n\nЕсли вы не запрашивали код, просто проигнорируйте это письмо.\n",
		voice:   "Здравствуйте! Ваш код: {code}.",
	},
	{
		tag: language.Slovak, minutes: forms{plural.One: "{n} minúta", plural.Few: "{n} minúty", plural.Other: "{n} minút"},
		sms:     "Kód {code} ({minutes})",
		subject: "Váš prihlasovací kód",
		mail:    "Váš prihlasovací kód je {code}.\n\nPlatnosť: {minutes}. Nikomu ho neprezrádzajte.\n\nAk ste o kód nežiadali, tento e-mail môžete ignorovať.\n",
	},
	{
		tag: language.Slovenian, minutes: forms{plural.One: "{n} minuto", plural.Two: "{n} minuti", plural.Few: "{n} minute", plural.Other: "{n} minut"},
		sms:     "Koda: {code}. Velja {minutes}. Ne zaupajte je nikomur.",
		subject: "Vaša koda za prijavo",
		mail:    "Vaša koda za prijavo je {code}.\n\nVelja {minutes}. Ne zaupajte je nikomur.\n\nČe kode niste zahtevali, to sporočilo prezrite.\n",
	},
	{
		tag: language.Swedish, minutes: forms{plural.One: "{n} minut", plural.Other: "{n} minuter"},
		sms:     "{code} är din kod. Den gäller i {minutes}. Dela den inte med någon.",
		subject: "Din inloggningskod",
		mail:    "Din inloggningskod är {code}.\n\nDen gäller i {minutes}. Dela den inte med någon.\n\nOm du inte har bett om koden kan du bortse från det här mejlet.\n",
		voice:   "Hej! Din kod är: {code}.",
	},
	{
		tag: language.Thai, minutes: forms{plural.Other: "{n} นาที"},
		sms:     "รหัส {code} ({minutes})",
		subject: "รหัสเข้าสู่ระบบของคุณ",
		mail:    "รหัสเข้าสู่ระบบของคุณคือ {code}\n\nใช้ได้ภายใน {minutes} อย่าบอกรหัสนี้กับใคร\n\nหากคุณไม่ได้ขอรหัสนี้ คุณสามารถละเว้นอีเมลฉบับนี้ได้\n",
	},
	{
		tag: language.Turkish, minutes: forms{plural.Other: "{n} dakika"},
		sms:     "Kodunuz: {code}. Süre: {minutes}. Kimseye vermeyin.",
		subject: "Giriş kodunuz",
		mail:    "Giriş kodunuz: {code}\n\nGeçerlilik süresi: {minutes}. Kodu kimseyle paylaşmayın.\n\nBu kodu siz istemediyseniz bu e-postayı dikkate almayın.\n",
		voice:   "Merhaba! Kodunuz: {code}.",
	},
	{
		tag: language.Ukrainian, minutes: forms{plural.One: "{n} хвилина", plural.Few: "{n} хвилини", plural.Many: "{n} хвилин", plural.Other: "{n} хвилини"},
		sms:     "Код {code} ({minutes})",
		subject: "Ваш код для входу",
		mail:    "Ваш код для входу: {code}\n\nТермін дії: {minutes}. Нікому його не повідомляйте.\n\nЯкщо ви не запитували код, просто проігноруйте цей лист.\n",
	},
	{
		tag: language.Urdu, minutes: forms{plural.Other: "{n} منٹ"},
		sms:     "کوڈ {code} ({minutes})",
		subject: "آپ کا سائن ان کوڈ",
		mail:    "آپ کا سائن ان کوڈ یہ ہے: {code}\n\nمیعاد: {minutes}۔ یہ کوڈ کسی کو نہ بتائیں۔\n\nاگر آپ نے یہ کوڈ نہیں مانگا تو اس ای میل کو نظر انداز کر دیں۔\n",
	},
	{
		tag: language.Vietnamese, minutes: forms{plural.Other: "{n} phút"},
		sms:     "Mã {code} ({minutes})",
		subject: "Mã đăng nhập của bạn",
		mail:    "Mã đăng nhập của bạn là {code}.\n\nMã có hiệu lực trong {minutes}. Đừng chia sẻ mã này với bất kỳ ai.\n\nNếu bạn không yêu cầu mã, hãy bỏ qua email này.\n",
	},
	{
		tag: language.SimplifiedChinese, minutes: forms{plural.Other: "{n}分钟"},
		sms:     "验证码{code}，{minutes}内有效",
		subject: "您的登录验证码",
		mail:    "您的登录验证码是 {code}。\n\n验证码在{minutes}内有效，请勿告诉他人。\n\n如果您没有请求验证码，请忽略此邮件。\n",
		voice:   "您好。您的验证码是：{code}。",
	},
	{
		tag: language.TraditionalChinese, minutes: forms{plural.Other: "{n}分鐘"},
		sms:     "驗證碼{code}，{minutes}內有效",
		subject: "您的登入驗證碼",
		mail:    "您的登入驗證碼是 {code}。\n\n驗證碼在{minutes}內有效，請勿告訴他人。\n\n如果您沒有要求驗證碼，請忽略這封郵件。\n",
		voice:   "您好。您的驗證碼是：{code}。",
	},
}
