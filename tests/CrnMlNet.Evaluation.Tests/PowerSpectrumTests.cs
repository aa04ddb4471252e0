namespace CrnMlNet.Evaluation.Tests;

public sealed class PowerSpectrumTests
{
    [Theory]
    [InlineData(24, 0)] // 24 / 64 = 0.375 cycles per pixel: 1/4 to 1/2
    [InlineData(12, 1)] // 1/8 to 1/4
    [InlineData(6, 2)] // 1/16 to 1/8
    public void AWeakerWaveShowsInItsOwnOctave(int periods, int octave)
    {
        // Amplitudes 60 and 30 of one wave beside waves of amplitude 30 in the other octaves, which stay as they are.
        var strong = Waves(64, 64, periods, 60);
        var weak = Waves(64, 64, periods, 30);

        var bands = PowerSpectrum.Between([weak], [strong]);

        Assert.Equal([(0.25, 0.5), (0.125, 0.25), (0.0625, 0.125)], bands.Select(band => (band.From, band.To)));
        for (int i = 0; i < 3; i++)
            // Half the amplitude is a quarter of the power, -6.02 dB. Rounding to bytes makes a percent of a wave of 30.
            Assert.Equal(i == octave ? 20 * Math.Log10(0.5) : 0, bands[i].Decibels, 0.15);
    }

    [Fact]
    public void FrequenciesAreOfPixelsAndNotOfTheImage()
    {
        // 30 periods down 96 rows are 0.31 cycles per pixel, whatever the width.
        var photo = Pictures.Of(96, 32, (_, y, _) => (int)Math.Round(128 + 60 * Math.Sin(2 * Math.PI * 30 * y / 96)));
        var noWave = Pictures.Of(96, 32, (_, y, _) => (int)Math.Round(128 + 30 * Math.Sin(2 * Math.PI * 30 * y / 96)));

        var bands = PowerSpectrum.Between([noWave], [photo]);

        Assert.Equal(2, bands.Count);
        Assert.Equal(20 * Math.Log10(0.5), bands[0].Decibels, 0.1);
    }

    [Fact]
    public void BlurTakesTheFineOctavesMost()
    {
        var random = new Random(1);
        var noise = Pictures.Of(64, 64, (_, _, _) => random.Next(256));
        var blurred = Pictures.Of(64, 64, (c, y, x) =>
        {
            int sum = 0;
            for (int v = -1; v <= 1; v++)
                for (int u = -1; u <= 1; u++)
                    sum += noise.Planes[(c * 64 + (y + v + 64) % 64) * 64 + (x + u + 64) % 64];
            return sum / 9;
        });

        var bands = PowerSpectrum.Between([blurred, blurred], [noise]);

        Assert.True(bands[0].Decibels < -8 && bands[0].Decibels < bands[1].Decibels && bands[1].Decibels < bands[2].Decibels, string.Join(", ", bands));
    }

    [Fact]
    public void PowersAreAveragedOverImagesBeforeTheyAreCompared()
    {
        RgbImage strong = Waves(64, 64, 24, 60), weak = Waves(64, 64, 24, 30);

        // (1 + 1/4) / 2 of the power.
        Assert.Equal(10 * Math.Log10(0.625), PowerSpectrum.Between([strong, weak], [strong])[0].Decibels, 0.1);
    }

    [Fact]
    public void WhatCannotBeComparedIsRefused()
    {
        Assert.Throws<ArgumentException>(() => PowerSpectrum.Between([], [Pictures.Waves(32, 32)]));
        Assert.Contains("16x16", Assert.Throws<ArgumentException>(() => PowerSpectrum.Between([Pictures.Waves(15, 32)], [Pictures.Waves(15, 32)])).Message);
        Assert.Throws<ArgumentException>(() => PowerSpectrum.Between([Pictures.Waves(32, 33)], [Pictures.Waves(32, 32)]));
    }

    /// <summary>Waves of amplitude 30 at 24, 12 and 6 periods, of which that of <paramref name="periods"/> has another amplitude.</summary>
    private static RgbImage Waves(int height, int width, int periods, int amplitude) => Pictures.Of(height, width, (_, _, x) => (int)Math.Round(
        128 + new[] { 24, 12, 6 }.Sum(wave => (wave == periods ? amplitude : 30) * Math.Cos(2 * Math.PI * wave * x / width))));
}
