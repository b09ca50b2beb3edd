"""The sectors that an office begins with."""

from __future__ import annotations

# What an office begins with: name and, as the main division or group of SBI 2008 (Kamer van Koophandel and CBS) has it, the code.
STARTER = (
    ("Landbouw en veeteelt", "01"), ("Visserij", "03"), ("Voedingsmiddelen en bakkerijen", "10"), ("Industrie", "C"),
    ("Bouw", "41"), ("Installatie en afbouw", "43"), ("Autobranche", "45"), ("Groothandel", "46"), ("Detailhandel", "47"),
    ("Webwinkels", "47.9"), ("Transport en logistiek", "49"), ("Horeca", "56"), ("Logies en recreatieverblijf", "55"), ("ICT", "62"),
    ("Media en communicatie", "59"), ("Financiële dienstverlening", "64"), ("Holdings en beheer", "64.2"), ("Vastgoed", "68"),
    ("Juridisch en administratief advies", "69"), ("Management en advies", "70"), ("Architecten en ingenieurs", "71"),
    ("Marketing en ontwerp", "73"), ("Schoonmaak en hoveniers", "81"), ("Uitzendbureaus", "78"), ("Onderwijs en training", "85"),
    ("Medisch en zorg", "86"), ("Kinderopvang en welzijn", "88"), ("Cultuur, sport en recreatie", "R"),
    ("Persoonlijke verzorging", "96"), ("Verenigingen en stichtingen", "94"),
)  # fmt: skip
