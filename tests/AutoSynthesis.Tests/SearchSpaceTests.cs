using System.Text.Json;
using CrnMlNet;
using Microsoft.ML.SearchSpace;

namespace AutoSynthesis.Tests;

public sealed class SearchSpaceTests
{
    [Fact]
    public void The_options_tunable_properties_are_found_with_their_defaults()
    {
        var space = SearchSpace.Of(new SynthesizeFromLabelsEstimator.Options());

        Assert.Equal(["BatchSize", "LearningRate", "Mirror", "NoiseChannels", "WidthFactor"], space.Names);
        Assert.Equal("BatchSize 1, LearningRate 0.00025, Mirror True, NoiseChannels 2, WidthFactor 0.125", space.Default.ToString());
        Assert.Contains("LearningRate 0.001,", SearchSpace.Of(new SynthesizeFromLabelsEstimator.Options { Recipe = Recipe.Crn }).Default.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("WidthFactor", space.Without("WidthFactor").Names);
        Assert.Contains("'Epochs' is not tuned", Assert.Throws<ArgumentException>(() => space.Without("Epochs")).Message, StringComparison.Ordinal);
    }

    /// <summary>What a user gets whose options carry each kind of attribute, from 1,000 draws.</summary>
    [Fact]
    public void Values_lie_where_the_attributes_say_and_reach_all_of_it()
    {
        var space = SearchSpace.Of(new Everything());
        var random = new Random(1);
        var drawn = Enumerable.Range(0, 1000).Select(_ => space.Sample(random).ApplyTo(new Everything())).ToArray();

        Assert.Equal([2, 3, 4], drawn.Select(value => value.Whole).Distinct().Order());
        Assert.Equal([1, 4], drawn.Select(value => value.Chosen).Distinct().Order());
        Assert.Equal(2, drawn.Select(value => value.Either).Distinct().Count());
        Assert.All(drawn, value => Assert.InRange(value.Even, -1, 3));
        Assert.All(drawn, value => Assert.InRange(value.Logarithmic, 1e-4, 1));
        Assert.All(drawn, value => Assert.Equal("as it was", value.Fixed));
        // Evenly: half of the draws are below the middle, which in logarithms is 0.01; 4 standard deviations are 63 of 1,000.
        Assert.InRange(drawn.Count(value => value.Even < 1), 437, 563);
        Assert.InRange(drawn.Count(value => value.Logarithmic < 1e-2), 437, 563);
    }

    [Fact]
    public void A_class_without_attributes_is_refused()
        => Assert.Contains("[Range]", Assert.Throws<ArgumentException>(() => SearchSpace.Of(new object())).Message, StringComparison.Ordinal);

    /// <summary>Microsoft.ML.AutoML's Parameter.AsType makes options of the JSON of what its tuner proposes, with System.Text.Json.</summary>
    [Fact]
    public void Options_can_be_made_of_AutoMLs_JSON()
    {
        var options = JsonSerializer.Deserialize<SynthesizeFromLabelsEstimator.Options>("""{ "BatchSize": 4, "LearningRate": 0.002, "Mirror": false, "NoiseChannels": 5, "WidthFactor": 0.0625 }""")!;

        Assert.Equal((4, 0.002, false, 5, 0.0625), (options.BatchSize, options.LearningRate, options.Mirror, options.NoiseChannels, options.WidthFactor));
        Assert.Equal(new SynthesizeFromLabelsEstimator.Options().Epochs, options.Epochs);
    }

    private sealed class Everything
    {
        [Range(2, 4)]
        public int Whole { get; set; }

        [Range(-1.0, 3.0)]
        public double Even { get; set; }

        [Range(1e-4f, 1f, logBase: true)]
        public float Logarithmic { get; set; }

        [Choice(1, 4)]
        public int Chosen { get; set; }

        [BooleanChoice]
        public bool Either { get; set; }

        public string Fixed { get; set; } = "as it was";
    }
}
