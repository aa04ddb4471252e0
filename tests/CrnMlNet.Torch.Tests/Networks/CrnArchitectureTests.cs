using CrnMlNet.Torch.Networks;

namespace CrnMlNet.Torch.Tests.Networks;

public sealed class CrnArchitectureTests
{
    // The variables of the authors' published checkpoints add up to these; see also AuthorsNamesTests.
    [Theory]
    [InlineData(256, 512, 9, 97_875_483)]
    [InlineData(512, 1024, 1, 98_622_851)]
    [InlineData(1024, 2048, 1, 98_674_531)]
    public void CountsTheParametersOfThePublishedNetworks(int height, int width, int images, long published)
    {
        var architecture = new CrnArchitecture { Channels = 20, Height = height, Width = width, ImagesPerLayout = images };

        Assert.Equal(published, architecture.ParameterCount());
    }

    [Fact]
    public void TheModulesAt1024x2048AreThePapers()
    {
        var modules = new CrnArchitecture { Channels = 20, Height = 1024, Width = 2048 }.Modules();

        Assert.Equal(
            [
                new ModuleShape(4, 8, 0, 1024), new ModuleShape(8, 16, 1024, 1024), new ModuleShape(16, 32, 1024, 1024),
                new ModuleShape(32, 64, 1024, 1024), new ModuleShape(64, 128, 1024, 1024), new ModuleShape(128, 256, 1024, 512),
                new ModuleShape(256, 512, 512, 512), new ModuleShape(512, 1024, 512, 128), new ModuleShape(1024, 2048, 128, 32),
            ],
            modules);
    }

    // Worked by hand: of the cells whose short side has 3 to 7 pixels, the one that, doubled until it covers the target,
    // covers the fewest pixels; of equals the smallest.
    [Theory]
    [InlineData(256, 512, 4, 8, 7)]
    [InlineData(512, 256, 8, 4, 7)]
    [InlineData(512, 1024, 4, 8, 8)]
    [InlineData(96, 128, 3, 4, 6)]
    [InlineData(128, 96, 4, 3, 6)]
    [InlineData(360, 480, 3, 4, 8)] // 384x512, as from 6x8 with a module less
    [InlineData(100, 300, 7, 19, 5)] // 112x304; 4x10 << 5 would be 128x320
    [InlineData(256, 256, 4, 4, 7)]
    [InlineData(240, 320, 4, 5, 7)] // 256x320
    [InlineData(37, 53, 5, 7, 4)] // 40x56; 3x4 << 4 would be 48x64
    [InlineData(16, 16, 4, 4, 3)]
    [InlineData(17, 17, 5, 5, 3)] // 20x20; 24x24 from 3 and 6
    [InlineData(16, 1024, 4, 256, 3)]
    [InlineData(1080, 1920, 5, 8, 9)] // 1280x2048; 3x4 << 9 would be 1536x2048
    public void TheCascadeStartsFromACellOfTheTargetsAspect(int height, int width, int rows, int columns, int modules)
    {
        var shapes = new CrnArchitecture { Channels = 20, Height = height, Width = width }.Modules();

        Assert.Equal((rows, columns, modules), (shapes[0].Rows, shapes[0].Columns, shapes.Count));
    }

    [Theory]
    [InlineData(1.0 / 32, new[] { 32, 32, 32, 32, 32, 16, 16, 8, 8 })] // 128/32 and 32/32 are raised to 8
    [InlineData(0.5, new[] { 512, 512, 512, 512, 512, 256, 256, 64, 16 })]
    [InlineData(0.3, new[] { 304, 304, 304, 304, 304, 152, 152, 40, 8 })] // 307.2, 153.6, 38.4, 9.6 to the nearest multiple of 8
    public void TheWidthFactorScalesTheFeatures(double factor, int[] features)
    {
        var architecture = new CrnArchitecture { Channels = 20, Height = 1024, Width = 2048, WidthFactor = factor };

        Assert.Equal(features, architecture.Modules().Select(module => module.Features));
    }

    [Theory]
    [InlineData(1, 64, 64, 1, 1.0, "Channels", "2 to 65536")]
    [InlineData(65537, 64, 64, 1, 1.0, "Channels", "2 to 65536")]
    [InlineData(20, 15, 64, 1, 1.0, "Height", "from 16 to 8192 pixels")]
    [InlineData(20, 64, 8193, 1, 1.0, "Width", "from 16 to 8192 pixels")]
    [InlineData(20, 16, 1025, 1, 1.0, "Width", "16x1025 is too elongated")]
    [InlineData(20, 64, 64, 0, 1.0, "ImagesPerLayout", "1 to 64")]
    [InlineData(20, 64, 64, 65, 1.0, "ImagesPerLayout", "1 to 64")]
    [InlineData(20, 64, 64, 1, 0.0, "WidthFactor", "1/64 to 4")]
    [InlineData(20, 64, 64, 1, 4.1, "WidthFactor", "1/64 to 4")]
    [InlineData(20, 64, 64, 1, double.NaN, "WidthFactor", "1/64 to 4")]
    public void WhatCannotBeBuiltIsRefusedWithItsRange(
        int channels, int height, int width, int images, double factor, string property, string range)
    {
        var architecture = new CrnArchitecture
        {
            Channels = channels,
            Height = height,
            Width = width,
            ImagesPerLayout = images,
            WidthFactor = factor,
        };

        var exception = Assert.Throws<ArgumentOutOfRangeException>(architecture.Validate);

        Assert.Equal(property, exception.ParamName);
        Assert.Contains(range, exception.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => architecture.Modules());
        Assert.Throws<ArgumentOutOfRangeException>(() => architecture.ParameterCount());
        Assert.Throws<ArgumentOutOfRangeException>(() => new CascadedRefinementNetwork(architecture));
    }
}
