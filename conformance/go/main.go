// Drives a running region by IBM's Go SDK: conformance ENVIRONMENT.json SCENARIOS.json [PART OF A NAME].
//
// Each scenario of the list must be there, and is a function of the same name in camel case.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type scenario struct {
	Name  string
	Shows string
}

var scenarios = map[string]func(*region){
	"the_whole_story":                    theWholeStory,
	"a_volume_is_changed_by_its_etag":    aVolumeIsChangedByItsEtag,
	"tokens":                             tokens,
	"versions":                           versions,
	"names":                              names,
	"names_are_taken_once":               namesAreTakenOnce,
	"wrong_types_and_unknown_ids":        wrongTypesAndUnknownIDs,
	"actions_by_the_table":               actionsByTheTable,
	"deprecated_and_back":                deprecatedAndBack,
	"obsolete_and_back":                  obsoleteAndBack,
	"dates":                              dates,
	"a_date_that_comes":                  aDateThatComes,
	"s25_stock_images_are_the_providers": stockImagesAreTheProviders,
	"s13_a_volume_of_another_region":     aVolumeOfAnotherRegion,
	"s14_s15_a_data_volume_and_one_that_is_not_attached": aDataVolume,
	"s15_a_boot_volume_that_was_kept":                    aBootVolumeThatWasKept,
	"s17_a_running_instance":                             aRunningInstance,
	"a_volume_that_is_not_there":                         aVolumeThatIsNotThere,
	"s16_the_order_of_checks_is_fixed":                   theOrderOfChecksIsFixed,
	"pagers_see_every_item_once":                         pagersSeeEveryItemOnce,
	"limits_and_tokens":                                  limitsAndTokens,
	"images_by_status_and_owner":                         imagesByStatusAndOwner,
	"a_virtual_network_interface_of_its_own":             aVirtualNetworkInterfaceOfItsOwn,
	"attachments_come_and_go":                            attachmentsComeAndGo,
	"network_styles_do_not_mix":                          networkStylesDoNotMix,
	"access_through_the_image_story":                     accessThroughTheImageStory,
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: conformance ENVIRONMENT.json SCENARIOS.json [PART OF A NAME]")
		os.Exit(2)
	}
	only := ""
	if len(os.Args) > 3 {
		only = os.Args[3]
	}
	failed, err := run(os.Args[1], os.Args[2], only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(environment, list, only string) (failed int, err error) {
	bytes, err := os.ReadFile(list)
	if err != nil {
		return 0, err
	}
	var wanted []scenario
	if err := json.Unmarshal(bytes, &wanted); err != nil {
		return 0, fmt.Errorf("%s: %w", list, err)
	}
	region, err := newRegion(environment)
	if err != nil {
		return 0, err
	}
	passed := 0
	for _, one := range wanted {
		if !strings.Contains(one.Name, only) {
			continue
		}
		began := time.Now()
		function, known := scenarios[one.Name]
		trouble := "it is not written in Go"
		if known {
			trouble = attempt(region, function)
		}
		if trouble != "" {
			failed++
			fmt.Printf("FAILED %s: %s\n       %s\n", one.Name, one.Shows, trouble)
			continue
		}
		passed++
		fmt.Printf("ok     %s (%.2f s)\n", one.Name, time.Since(began).Seconds())
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	return failed, nil
}
