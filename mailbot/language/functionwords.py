"""Common words by which languages are told apart, beside what the corpus teaches.

For the Nordic languages the words that differ between them; for languages without a corpus just
enough to be recognised, so that nobody is answered in the wrong one.
"""

FUNCTION_WORDS = {
    "nb": """
        jeg ikke dere deres meg noe noen hva hvordan hvorfor hvem hvor hvilke hvilken fra også bare
        mye være blitt hadde må nå etter mine mitt min opplysninger informasjon vennligst ønsker
        hei takk hilsen vennlig gjerne fordi hvis når skulle ville kunne sletting sletter slettet
        personvern spørsmål alle alt ingen igjen fått gjør gjøre tilgang lenger bruker kontoen
        e-posten epost nettsiden deg dem denne dette disse oss sin sitt sine uke måned år da der
        her ut inn opp ned av på til med om så vi du han hun det den en et er var har skal vil kan
        e itj ikkje æ mæ hos mer enn enda enn når jf dessverre utrolig veldig ganske prøver
        """,
    "nn": """
        eg ikkje de dykk dykkar meg noko nokon nokre kva korleis kvifor kven kvar kor kva for frå
        òg berre mykje vere vore vorte blitt hadde må no etter mine mitt min opplysningar informasjon
        ver venleg ynskjer ønskjer hei takk helsing venleg gjerne fordi viss om når skulle ville
        kunne sletting slettar sletta personvern spørsmål alle alt ingen igjen fått gjer gjere
        tilgang lenger brukar kontoen e-posten nettsida deg dei denne dette desse oss sin sitt sine
        veke månad år då der her ut inn opp ned av på til med om så vi du han ho det den ein ei eit
        er var har skal vil kan eigne sjølv sidan heile ikkje høyrer kjem veit seier tek finst
        nyheitsbrev lagra registrert behandlar handsamar opplysningane mogleg trur høyre skriv
        """,
    "sv": """
        jag inte ni er ert era mig något någon några vad hur varför vem var vilka vilken från också
        bara mycket vara blivit hade måste nu efter mina mitt min uppgifter information vänligen
        önskar hej tack hälsningar vänliga gärna eftersom om när skulle ville kunde radering raderar
        raderat personuppgifter dataskydd fråga alla allt ingen igen fått gör göra tillgång längre
        användare kontot mejlen e-post hemsidan dig dem den här det här dessa oss sin sitt sina
        vecka månad år då där här ut in upp ner av på till med om så vi du han hon det den en ett är
        var har ska vill kan och att som för men eller utan redan också ifrån finns sluta ta bort
        """,
    "da": """
        jeg ikke i jer jeres mig noget nogen hvad hvordan hvorfor hvem hvor hvilke hvilken fra også
        bare meget være blevet havde må nu efter mine mit min oplysninger information venligst
        ønsker hej tak hilsen venlig gerne fordi hvis når skulle ville kunne sletning sletter
        slettet persondata databeskyttelse spørgsmål alle alt ingen igen fået gør gøre adgang
        længere bruger kontoen mailen e-mail hjemmesiden dig dem denne dette disse os sin sit sine
        uge måned år da der her ud ind op ned af på til med om så vi du han hun det den en et er
        var har skal vil kan og at som for men eller uden allerede findes stop fjern mig jeg har
        nyhedsbrev gemt gemmer behandler kunder hos endnu hvornår hvorhen bedes kender vide
        """,
    "de": """
        ich nicht sie ihr ihre mich etwas jemand was wie warum wer wo welche von auch nur viel sein
        geworden hatte muss jetzt nach meine mein daten bitte möchte hallo danke grüße freundliche
        gerne weil wenn wann sollte wollte könnte löschung löschen gelöscht datenschutz frage alle
        alles keine wieder bekommen machen zugang mehr benutzer konto email webseite dich ihnen
        diese dieser dieses uns woche monat jahr da dort hier aus ein auf ab mit um so wir du er es
        das der die den dem des einen einer ist war hat soll will kann und dass für aber oder ohne
        """,
    "en": """
        i not you your me something anyone what how why who where which from also only much be been
        had must now after my mine data information please would like hello hi thanks regards kind
        gladly because if when should would could deletion delete deleted privacy question all
        everything none again received do make access anymore user account email website them this
        these those us week month year then there here out in up down of on to with about so we he
        she it that the a an is was has have shall will can and for but or without already any
        """,
    "fr": """
        je ne pas vous votre vos moi me mes mon ma quelque que quoi comment pourquoi qui où quelles
        de du des la le les un une et est sont avec pour dans sur par bonjour merci cordialement
        """,
    "es": """
        yo no usted ustedes su sus mi mis me que qué cómo por quién dónde cuáles de del la el los
        las un una y es son con para en sobre hola gracias saludos quiero datos por favor más
        """,
    "nl": """
        ik niet jullie u uw mij mijn me iets wat hoe waarom wie waar welke van ook alleen veel zijn
        de het een en is met voor in op over hallo dank groet vriendelijke graag gegevens maar dat
        """,
    "pl": """
        ja nie państwo państwa wasz mnie mój moje moich co jak dlaczego kto gdzie jakie z też tylko
        jest są i w na do o za dzień dobry dziękuję pozdrawiam proszę dane że ale czy się mi
        """,
    "fi": """
        minä en ei te teidän minun minua jotain mitä miten miksi kuka missä mitkä myös vain paljon
        on ovat ja että kanssa hei kiitos terveisin haluan tiedot tietoni mutta tai jos kun olen
        """,
    "it": """
        io non voi vostro vostra vostri mi mio miei mie qualcosa che cosa come perché chi dove quali
        di del della il la lo gli le un una e è sono con per in su buongiorno grazie saluti vorrei
        """,
    "pt": """
        eu não você vocês vosso seu seus meus minhas me que como porquê quem onde quais de do da dos
        das o a os as um uma e é são com para em sobre olá obrigado cumprimentos dados pessoais
        gostaria solicito tratamento direito acesso nos termos do artigo
        """,
    "cs": """
        já ne vás vaše mě moje moje můj co jak proč kdo kde které z také jen je jsou a s pro v na o
        dobrý den děkuji pozdravem prosím údaje osobních že ale žádám tímto podle článku který
        zpracování správce mých souladu
        """,
    "hr": """
        ja ne vi vaš vaše mene moje moj što kako zašto tko gdje koje iz također samo je su i s za u
        na o dobar dan hvala pozdrav molim podaci osobnih da ali zahtijevam ovim putem članka koji
        obrade voditelj svojih poštovani
        """,
    "ro": """
        eu nu voi dumneavoastră mă mea mele meu ce cum de cine unde care din și este sunt cu pentru
        în la despre bună ziua mulțumesc vă rog date personale prelucrarea articolul solicit prin
        prezenta drepturile conform
        """,
}  # fmt: skip
